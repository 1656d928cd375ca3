import { findDigitClusters } from '../digit-clusters.ts';
import { findMisreadClusters } from '../misread-clusters.ts';
import { comparable, type NormalisedText } from '../normalise.ts';
import { findSpokenDigits } from '../spoken-digits.ts';
import { TextFilter } from '../text-filter.ts';
import type { IdentifierMatch } from '../types.ts';
import { address } from './address.ts';
import { bankAccount } from './bank-account.ts';
import { accountNearBank, bankCard, cardSecurityCode } from './bank-card.ts';
import { birthDate, birthDateInRow } from './birth-date.ts';
import { coordinates } from './coordinates.ts';
import { deviceId, imei, vin } from './device-id.ts';
import type { DigitWindow } from './digit-windows.ts';
import { email } from './email.ts';
import { iban } from './iban.ts';
import { ipAddress } from './ip-address.ts';
import { licencePlate } from './licence-plate.ts';
import { messengerId } from './messenger-id.ts';
import { insuranceWindow, nationalNumber } from './national-number.ts';
import { password } from './password.ts';
import { permits } from './permits.ts';
import { personName } from './person-name.ts';
import { phone, phoneInParts } from './phone.ts';
import { recordNumber } from './record-number.ts';
import { residentId } from './resident-id.ts';
import { isMadeUp } from './made-up-values.ts';
import { anyBankWord, anyPhoneWord, holds, type IdentifierRule, type RuleInput } from './rule-input.ts';
import { secret } from './secret.ts';
import { socialCreditCode } from './social-credit-code.ts';
import { tableColumns } from './table-columns.ts';
import { usSsn } from './us-ssn.ts';
import { verificationCode } from './verification-code.ts';
import { labelsThere, windowsThatMatter } from './window-filter.ts';

/** Rules over digits, whatever separates them. */
export const windowRules: ((window: DigitWindow, input: RuleInput) => IdentifierMatch | undefined)[] = [
  residentId,
  phone,
  bankCard,
  accountNearBank,
  usSsn,
  insuranceWindow,
  imei,
];
/** Of these the ones whose checksum or label holds up against letters that were read for digits. */
const misreadRules: typeof windowRules = [residentId, phone, bankCard, insuranceWindow, imei];
/** An unlabelled telephone number, a card of the right range and a resident ID of fifteen digits have less. */
const misreadFloor = 0.93;
const textRules: IdentifierRule[] = [
  permits,
  socialCreditCode,
  licencePlate,
  vin,
  deviceId,
  email,
  ipAddress,
  iban,
  secret,
  password,
  bankAccount,
  cardSecurityCode,
  verificationCode,
  recordNumber,
  nationalNumber,
  messengerId,
  coordinates,
  address,
  birthDate,
  phoneInParts,
  tableColumns,
];

/** Bump with every change of a rule: receipts and statistics carry it. */
export const identifierRulesVersion = '5';

/** A whole number should beat a likely piece of it: each character counts this much beside the confidence. */
const lengthBonus = 0.005;
const rank = (match: IdentifierMatch): number => match.confidence + lengthBonus * (match.end - match.start);

/** Of matches that overlap, keeps the surest; a longer one wins where they are about as sure. */
export function withoutOverlaps(matches: IdentifierMatch[]): IdentifierMatch[] {
  const ordered = matches.toSorted((a, b) => a.start - b.start);
  const kept: IdentifierMatch[] = [];
  let group: IdentifierMatch[] = [];
  let groupEnd = -1;
  const settle = (): void => {
    const chosen: IdentifierMatch[] = [];
    for (const match of group.sort((a, b) => rank(b) - rank(a))) {
      if (!chosen.some((other) => match.start < other.end && other.start < match.end)) chosen.push(match);
    }
    kept.push(...chosen.sort((a, b) => a.start - b.start));
  };
  // Only neighbours can overlap, so each connected stretch is settled alone: a long list of numbers stays linear.
  for (const match of ordered) {
    if (match.start >= groupEnd) {
      settle();
      group = [];
    }
    group.push(match);
    groupEnd = Math.max(groupEnd, match.end);
  }
  settle();
  return kept;
}

/** All identifiers in one normalised text, without overlaps. Offsets are offsets in the normalised text. */
export function findIdentifiers(normalised: NormalisedText): IdentifierMatch[] {
  const clusters = [...findDigitClusters(normalised.digits), ...findSpokenDigits(normalised.lower)];
  const lower = normalised.digits === normalised.text ? normalised.lower : comparable(normalised.digits);
  const input: RuleInput = {
    text: normalised.digits,
    lower,
    clusters,
    filter: new TextFilter(lower),
    mentionsBank: false,
    mentionsPhone: false,
  };
  input.mentionsBank = holds(input, anyBankWord);
  input.mentionsPhone = holds(input, anyPhoneWord);
  const matches: IdentifierMatch[] = [];
  const there = labelsThere(input);
  for (const cluster of clusters) {
    for (const window of windowsThatMatter(cluster, input, there)) {
      for (const rule of windowRules) {
        const match = rule(window, input);
        if (match !== undefined) matches.push(match);
      }
    }
  }
  for (const cluster of findMisreadClusters(normalised.text)) {
    for (const window of windowsThatMatter(cluster, input, there)) {
      if (!/[A-Za-z]/.test(input.text.slice(window.start, window.end))) continue;
      for (const rule of misreadRules) {
        const match = rule(window, input);
        if (match !== undefined && match.confidence >= misreadFloor && match.rule !== 'phone-us')
          matches.push({ ...match, rule: `${match.rule}-misread` });
      }
    }
  }
  for (const rule of textRules) matches.push(...rule(input));
  matches.push(...personName(input, matches));
  matches.push(...birthDateInRow(input, matches));
  for (const match of matches) if (isMadeUp(match, input)) match.confidence = Math.min(match.confidence, 0.3);
  return withoutOverlaps(matches);
}
