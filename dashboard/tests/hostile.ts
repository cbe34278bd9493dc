// Texts that an attacker would send, as the API passes them on: controls are written as their codes by then, but
// markup, quotes and templates are not.

export const HOSTILE: readonly string[] = [
  '<script>window.owned=1</script>',
  '"><img src=x onerror="window.owned=1">',
  "javascript:window.owned=1//",
  '<svg/onload=window.owned=1>',
  '</textarea></title><iframe srcdoc="<script>parent.owned=1</script>">',
  '{{constructor.constructor("window.owned=1")()}}${window.owned=1}',
  '{@html "<b>x</b>"}',
  "' onmouseover='window.owned=1' style='position:fixed;inset:0",
  '\\u{202e}gpj.exe',
  '&lt;b&gt;&#x202e;&amp;',
  `${'A'.repeat(600)}`,
  'Ünïcödé 世界 🦀',
];

/** The value with every string in it replaced, except those that the page reads as times or as its own words. */
export function poison(value: unknown, text: string, name = ''): unknown {
  if (typeof value === 'string') return isKept(name, value) ? value : text;
  if (Array.isArray(value)) return value.map((item) => poison(item, text, name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, poison(part, text, key)]));
}

/** Ids, references and times are made by Portcullis itself; lists are keyed by ids. */
function isKept(name: string, value: string): boolean {
  return name === 'id' || name === 'ref' || name === 'next' || name === 'in_force' || /^\d{4}-\d\d-\d\dT/.test(value);
}
