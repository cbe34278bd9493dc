// Countries by their codes.

const NAMES = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'code' });

/** The country's name, or its code where it has none. */
export function countryName(code: string): string {
  try {
    return NAMES.of(code) ?? code;
  } catch {
    return code;
  }
}
