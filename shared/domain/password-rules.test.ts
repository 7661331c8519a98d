import { describe, expect, it } from 'vitest';
import { passwordProblem } from './password-rules.ts';

describe('new passwords', () => {
  it.each([
    ['is short', 'elf letters', /at least 12/],
    ['has many bytes and few characters', '😀😁😂🤣😃😄😅😆😉😊😋', /at least 12/],
    ['is too long', 'abcdefgh'.repeat(33), /at most 256/],
    ['is the username', 'Ada.Lovelace.1815', /username/],
    ['is little more than the username', 'ada.lovelace.1815!', /username/],
    ['is common', 'Password2024!', /too easy/],
    ['is a row of keys', 'qwertyuiop12', /too easy/],
    ['is one letter', 'aaaaaaaaaaaaaaaa', /too easy/],
  ])('When a new password %s, then it is refused', (_, password, problem) => {
    expect(passwordProblem(password, 'ada.lovelace.1815')).toMatch(problem);
  });

  it.each([
    ['a phrase', 'three purple umbrellas'],
    ['letters of another script', 'пароль из двух слов'],
    ['random', 'Z8#kq2!vLp0w'],
    ['a phrase that begins like a bad one', 'welcome to the jungle of the seven seas'],
    ['as long as allowed', 'abcdefgh'.repeat(32)],
  ])('When a new password is %s, then it is accepted', (_, password) => {
    expect(passwordProblem(password, 'ada')).toBeNull();
  });
});
