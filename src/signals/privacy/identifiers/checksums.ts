/** Checksums of the identifiers, each by its standard. Inputs hold only the characters of the number. */

/** ISO/IEC 7812 (bank cards, IMEI): true when the last digit is right. */
export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index++) {
    let value = digits.charCodeAt(digits.length - 1 - index) - 48;
    if (index % 2 === 1) {
      value *= 2;
      if (value > 9) value -= 9;
    }
    sum += value;
  }
  return sum % 10 === 0;
}

const residentWeights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/** GB 11643-1999 (ISO 7064 MOD 11-2): the eighteenth character that belongs to seventeen digits. */
export function residentIdCheckCharacter(seventeen: string): string {
  let sum = 0;
  for (let index = 0; index < 17; index++) sum += (seventeen.charCodeAt(index) - 48) * (residentWeights[index] ?? 0);
  return '10X98765432'[sum % 11] ?? '';
}

const creditCodeAlphabet = '0123456789ABCDEFGHJKLMNPQRTUWXY';
const creditCodeWeights = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

/** GB 32100-2015: the eighteenth character that belongs to the first seventeen, or undefined for a foreign letter. */
export function socialCreditCheckCharacter(seventeen: string): string | undefined {
  let sum = 0;
  for (let index = 0; index < 17; index++) {
    const value = creditCodeAlphabet.indexOf(seventeen[index] ?? '?');
    if (value < 0) return undefined;
    sum += value * (creditCodeWeights[index] ?? 0);
  }
  return creditCodeAlphabet[(31 - (sum % 31)) % 31];
}

/** ISO 13616 (IBAN): letters count from A = 10, the first four characters move to the end, the remainder is 1. */
export function passesIbanCheck(iban: string): boolean {
  const moved = iban.slice(4) + iban.slice(0, 4);
  let remainder = 0;
  for (const character of moved) {
    const value = Number.parseInt(character, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder === 1;
}

/** Hong Kong identity card: one or two letters, six digits, and a check digit or A. */
export function passesHongKongIdCheck(letters: string, digits: string, check: string): boolean {
  const codes = letters.length === 1 ? [36] : [];
  for (const letter of letters) codes.push(letter.charCodeAt(0) - 55);
  for (const digit of digits) codes.push(digit.charCodeAt(0) - 48);
  codes.push(check === 'A' ? 10 : Number(check));
  return codes.reduce((sum, code, index) => sum + code * (9 - index), 0) % 11 === 0;
}

/** Order of the letters in the weights of a Taiwan identity number. */
const taiwanLetters = 'ABCDEFGHJKLMNPQRSTUVXYWZIO';

/** Taiwan identity number: a letter and nine digits, the last a check digit. */
export function passesTaiwanIdCheck(identity: string): boolean {
  const code = taiwanLetters.indexOf(identity[0] ?? '?') + 10;
  if (code < 10) return false;
  let sum = Math.floor(code / 10) + (code % 10) * 9;
  for (let index = 1; index < 9; index++) sum += Number(identity[index]) * (9 - index);
  return (sum + Number(identity[9])) % 10 === 0;
}

const vinWeights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
const vinValues: Record<string, number> = {
  A: 1, B: 2, C: 3, D: 4, E: 5, F: 6, G: 7, H: 8, J: 1, K: 2, L: 3, M: 4, N: 5, P: 7, R: 9, S: 2, T: 3, U: 4, V: 5,
  W: 6, X: 7, Y: 8, Z: 9,
}; // prettier-ignore

/** ISO 3779 with the check digit of GB 16735 and 49 CFR 565: the ninth character. */
export function passesVinCheck(vin: string): boolean {
  let sum = 0;
  for (let index = 0; index < 17; index++) {
    const character = vin[index] ?? '';
    sum += (vinValues[character] ?? Number(character)) * (vinWeights[index] ?? 0);
  }
  return vin[8] === (sum % 11 === 10 ? 'X' : String(sum % 11));
}

/** Whether year, month and day make a date of the Gregorian calendar between 1800 and 2039. */
export function isBirthDate(year: number, month: number, day: number): boolean {
  if (year < 1800 || year > 2039 || month < 1 || month > 12 || day < 1) return false;
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** NHS number (NHS Data Dictionary): ten digits, the last a check digit modulo 11. */
export function passesNhsCheck(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < 9; index++) sum += (digits.charCodeAt(index) - 48) * (10 - index);
  const check = 11 - (sum % 11);
  return check !== 10 && digits.charCodeAt(9) - 48 === check % 11;
}
