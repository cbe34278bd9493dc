import { expect, test } from 'vitest';
import { Turns } from './turns';

/** A task that ends when it is told to. */
function held(): { task: () => Promise<string>; end: () => void; ran: () => boolean } {
  let end = () => {};
  let hasRun = false;
  const done = new Promise<string>((resolve) => (end = () => resolve('done')));
  return { task: () => ((hasRun = true), done), end: () => end(), ran: () => hasRun };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 0));
const NEVER = new AbortController().signal;

test('no more run at once than may, and the rest in its order', async () => {
  const turns = new Turns(2);
  const tasks = [held(), held(), held(), held()];
  const all = tasks.map((each) => turns.take(each.task, NEVER));
  await settle();
  expect(tasks.map((each) => each.ran())).toEqual([true, true, false, false]);
  tasks[1]?.end();
  await settle();
  expect(tasks.map((each) => each.ran())).toEqual([true, true, true, false]);
  for (const each of tasks) each.end();
  expect(await Promise.all(all)).toEqual(['done', 'done', 'done', 'done']);
});

test('who gives up loses the place, and who fails passes it on', async () => {
  const turns = new Turns(1);
  const first = held();
  const running = turns.take(first.task, NEVER);
  const impatient = new AbortController();
  const givenUp = held();
  const waiting = turns.take(givenUp.task, impatient.signal);
  const last = turns.take(() => Promise.reject(new Error('broken')), NEVER);
  impatient.abort(new Error('too late'));
  await expect(waiting).rejects.toThrow('too late');
  first.end();
  await running;
  await expect(last).rejects.toThrow('broken');
  expect(givenUp.ran()).toBe(false);
  expect(await turns.take(async () => 'free again', NEVER)).toBe('free again');
  await expect(turns.take(async () => 'never', impatient.signal)).rejects.toThrow('too late');
});
