/** Fewest and most characters (code points) of a new password. */
export const passwordLength = { least: 12, most: 256 } as const;

/**
 * Returns the reason why a new password is refused, or null when it is accepted.
 *
 * [Note: Long passwords instead of complex ones]
 * NIST SP 800-63B requires length and a check against common passwords. It advises against rules about digits and special characters.
 * The lockout stops a caller who tries passwords from a list long before the end of the list. In addition, few leaked passwords have 12
 * characters or more. So the rules are: the length, no common start, not the username, at least five different characters.
 */
export function passwordProblem(password: string, username: string): string | null {
  const folded = password.normalize('NFKC').toLowerCase();
  const length = [...password].length;
  if (length < passwordLength.least) return `must have at least ${passwordLength.least} characters`;
  if (length > passwordLength.most) return `must have at most ${passwordLength.most} characters`;
  const name = username.toLowerCase();
  if (folded === name || (name.length >= 4 && folded.includes(name) && folded.length - name.length < 8))
    return 'must not be the username, nor little more';
  const common = worst.some((start) => folded.startsWith(start) && folded.length - start.length < 10);
  return common || new Set(folded).size < 5 ? 'is too easy to guess' : null;
}

/** Common starts of passwords that must have 12 characters. A real phrase after one of them is accepted. */
const worst = [
  '1234567890',
  '0987654321',
  '1q2w3e4r5t',
  'abcdefghij',
  'administrator',
  'adminadmin',
  'changeme',
  'iloveyou',
  'letmein',
  'password',
  'passw0rd',
  'p@ssw0rd',
  'qwertyuiop',
  'qwertzuiop',
  'qwerty123',
  'qwertz123',
  'welcome',
  'freeface',
];
