// Light or dark: the reader's choice, else the system's.

const STORED_AS = 'portcullis-theme';
export type ThemeChoice = 'light' | 'dark' | 'system';

class Theme {
  choice: ThemeChoice = $state(readChoice());
  /** Whether the system prefers dark. */
  #isSystemDark: boolean = $state(false);

  constructor() {
    const preference = matchMedia('(prefers-color-scheme: dark)');
    this.#isSystemDark = preference.matches;
    preference.addEventListener('change', () => (this.#isSystemDark = preference.matches));
  }

  get isDark(): boolean {
    return this.choice === 'system' ? this.#isSystemDark : this.choice === 'dark';
  }

  choose(choice: ThemeChoice): void {
    this.choice = choice;
    if (choice === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = choice;
    try {
      if (choice === 'system') localStorage.removeItem(STORED_AS);
      else localStorage.setItem(STORED_AS, choice);
    } catch {
      // Storage may be forbidden: the choice holds until the page is left.
    }
  }
}

function readChoice(): ThemeChoice {
  const chosen = document.documentElement.dataset['theme'];
  return chosen === 'light' || chosen === 'dark' ? chosen : 'system';
}

export const theme = new Theme();
