// Who is signed in. The session itself is a cookie that scripts cannot read.

import { Failure } from '../api/request';
import { readSession, signIn, signOut } from '../api/routes';
import type { Session } from '../api/types';

const ROLES = ['viewer', 'operator', 'admin'];

class SessionState {
  /** Undefined until it is known, null when nobody is signed in. */
  who: Session | null | undefined = $state.raw(undefined);
  /** Why it cannot be known. */
  failure: Failure | undefined = $state.raw(undefined);

  async look(): Promise<void> {
    this.failure = undefined;
    try {
      this.who = await readSession();
    } catch (error) {
      if (error instanceof Failure && error.isSignedOut) this.who = null;
      else this.failure = error instanceof Failure ? error : new Failure(0, 'The page could not read the answer');
    }
  }

  async enter(key: string): Promise<void> {
    this.who = await signIn(key);
  }

  async leave(): Promise<void> {
    try {
      await signOut();
    } finally {
      this.who = null;
    }
  }

  /** The API refused the session: the page asks for a key again. */
  end(): void {
    this.who = null;
  }

  /** Whether the reader may do what takes a role. The API decides; this only hides what it would refuse. */
  may(role: 'operator' | 'admin'): boolean {
    return this.who != null && ROLES.indexOf(this.who.role) >= ROLES.indexOf(role);
  }
}

export const session = new SessionState();
