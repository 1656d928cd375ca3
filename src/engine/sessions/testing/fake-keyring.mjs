#!/usr/bin/env node
/**
 * Stands in for the keyring commands of three systems, with the arguments, the input and the exit codes that those have: `secret-tool`
 * (libsecret), `security` (macOS) and PowerShell's DPAPI. FAKE_KEYRING: the file it keeps secrets in; FAKE_KEYRING_FAULT: what is wrong.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { argv, env, exit, stderr, stdout } from 'node:process';

const args = argv.slice(2);
const fault = env.FAKE_KEYRING_FAULT;
const file = env.FAKE_KEYRING;
const kept = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { secrets: {}, calls: [] };
const keep = () => writeFileSync(file, JSON.stringify(kept));
const input = () => readFileSync(0, 'utf8');
const fail = (code, text) => {
  stderr.write(text);
  exit(code);
};
kept.calls.push(args);
keep();

if (fault === 'hangs') setInterval(() => {}, 1000);
else if (args[0] === 'lookup') {
  if (fault === 'no-bus') fail(1, 'secret-tool: Cannot autolaunch D-Bus without X11 $DISPLAY\n');
  const secret = kept.secrets[args.slice(1).join(' ')];
  if (secret === undefined) exit(1);
  stdout.write(secret);
} else if (args[0] === 'store') {
  if (fault === 'locked') fail(1, 'secret-tool: Cannot create an item in a locked collection\n');
  // The label is no attribute; the secret is the whole input, without an end of line of its own.
  if (fault !== 'forgets') kept.secrets[args.slice(2).join(' ')] = input();
  keep();
} else if (args[0] === 'find-generic-password') {
  if (fault === 'locked') fail(36, 'security: SecKeychainItemCopyContent: User interaction is not allowed.\n');
  const [, , service, , account] = args;
  const secret = kept.secrets[`${service} ${account}`];
  if (secret === undefined) {
    fail(44, 'security: SecKeychainSearchCopyNext: The specified item could not be found in the keychain.\n');
  }
  stdout.write(`${secret}\n`);
} else if (args[0] === '-i') {
  const [, service, account, secret] = / -s (\S+) -a (\S+) .* -w "([^"]+)"\n$/.exec(input()) ?? exit(0);
  if (fault === 'locked')
    stderr.write('security: SecKeychainItemCreateFromContent (<default>): User interaction is not allowed.\n');
  else kept.secrets[`${service} ${account}`] = secret;
  keep();
} else if (args.includes('-Command')) {
  const isSealing = args.at(-1).includes('::Protect(');
  const bytes = Buffer.from(input().trim(), 'base64').map((byte) => byte ^ 0x5a);
  if (!isSealing && fault === 'other-user')
    fail(1, 'Exception calling "Unprotect": Key not valid for use in specified state.\n');
  stdout.write(bytes.toString('base64'));
} else exit(2);
