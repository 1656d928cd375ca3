/**
 * The keyring of the system, by the system's own command: `secret-tool` of libsecret (GNOME Keyring, KWallet and others behind the Secret
 * Service), `security` of macOS, and DPAPI through PowerShell on Windows. A secret never stands among a command's arguments, where every
 * process can read it.
 */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { makeError } from '../../core/errors.ts';
import { writeFileAtomically } from '../../models/manifests.ts';

export interface Keyring {
  /** `undefined`: it holds no such secret. Throws `keyring_unavailable`. */
  read(): Promise<string | undefined>;
  /** Throws `keyring_unavailable`. */
  write(secret: string): Promise<void>;
}

export type KeyringOptions = {
  /** Tells the secrets of several homes apart; letters, digits and dashes. */
  account: string;
  /** Where Windows keeps what DPAPI has sealed. */
  sealedFile: string;
  platform?: NodeJS.Platform;
  /** Program that stands in for the system's; the tests give one. */
  command?: string;
  /** A keyring may ask somebody to unlock it; nobody may be there. Default 10 s. */
  timeoutMs?: number;
};

const service = 'duanyun';
const defaultTimeoutMs = 10_000;

/** `undefined` on systems without one that is known here. */
export function systemKeyring(options: KeyringOptions): Keyring | undefined {
  switch (options.platform ?? process.platform) {
    case 'linux':
      return new SecretServiceKeyring(options);
    case 'darwin':
      return new MacKeychain(options);
    case 'win32':
      return new WindowsSeal(options);
    default:
      return undefined;
  }
}

class SecretServiceKeyring implements Keyring {
  readonly #run: Run;
  readonly #attributes: string[];

  constructor(options: KeyringOptions) {
    this.#run = runner(options, 'secret-tool');
    this.#attributes = ['service', service, 'account', options.account];
  }

  async read(): Promise<string | undefined> {
    const { code, output, complaint } = await this.#run(['lookup', ...this.#attributes]);
    if (code === 0) return output;
    // It says nothing where it finds nothing, and what is wrong otherwise.
    if (complaint === '') return undefined;
    throw unavailable(complaint);
  }

  async write(secret: string): Promise<void> {
    const { code, complaint } = await this.#run(['store', '--label=Duanyun sessions', ...this.#attributes], secret);
    if (code !== 0) throw unavailable(complaint || `secret-tool ended with ${code}`);
  }
}

/** `errSecItemNotFound`, as `security` returns it. */
const macNotFound = 44;

class MacKeychain implements Keyring {
  readonly #run: Run;
  readonly #account: string;

  constructor(options: KeyringOptions) {
    this.#run = runner(options, '/usr/bin/security');
    this.#account = options.account;
  }

  async read(): Promise<string | undefined> {
    const args = ['find-generic-password', '-s', service, '-a', this.#account, '-w'];
    const { code, output, complaint } = await this.#run(args);
    if (code === 0) return output.trim();
    if (code === macNotFound) return undefined;
    throw unavailable(complaint || `security ended with ${code}`);
  }

  async write(secret: string): Promise<void> {
    // Its interactive mode takes commands from the standard input, and says nothing of how they went by its code.
    const command = `add-generic-password -U -s ${service} -a ${this.#account} -l "Duanyun sessions" -w "${secret}"\n`;
    const { complaint } = await this.#run(['-i'], command);
    if ((await this.read()) !== secret) throw unavailable(complaint || 'the keychain did not keep the key');
  }
}

/** Reads Base64 from the standard input and writes Base64. `CurrentUser`: only this user's login can open it. */
function sealScript(call: 'Protect' | 'Unprotect'): string {
  return [
    '$ErrorActionPreference = "Stop"',
    'Add-Type -AssemblyName System.Security',
    '$bytes = [Convert]::FromBase64String([Console]::In.ReadToEnd().Trim())',
    `$done = [Security.Cryptography.ProtectedData]::${call}($bytes, $null, "CurrentUser")`,
    '[Console]::Out.Write([Convert]::ToBase64String($done))',
  ].join('; ');
}

class WindowsSeal implements Keyring {
  readonly #run: Run;
  readonly #file: string;

  constructor(options: KeyringOptions) {
    // By its full path: Windows looks for a bare name in the current folder first.
    this.#run = runner(options, String.raw`C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`);
    this.#file = options.sealedFile;
  }

  async read(): Promise<string | undefined> {
    const sealed = await readFile(this.#file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    return sealed === undefined ? undefined : this.#convert('Unprotect', sealed);
  }

  async write(secret: string): Promise<void> {
    await writeFileAtomically(this.#file, await this.#convert('Protect', secret));
  }

  async #convert(call: 'Protect' | 'Unprotect', text: string): Promise<string> {
    const script = sealScript(call);
    const { code, output, complaint } = await this.#run(['-NoProfile', '-NonInteractive', '-Command', script], text);
    if (code !== 0) throw unavailable(complaint || `powershell ended with ${code}`);
    return output.trim();
  }
}

type Ended = { code: number | null; output: string; complaint: string };
type Run = (args: readonly string[], input?: string) => Promise<Ended>;

function runner({ command, timeoutMs = defaultTimeoutMs }: KeyringOptions, usual: string): Run {
  return (args, input = '') =>
    new Promise((resolve, reject) => {
      const child = spawn(command ?? usual, args, {
        stdio: ['pipe', 'pipe', 'pipe'],
        timeout: timeoutMs,
        windowsHide: true,
      });
      let output = '';
      let complaint = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
      child.once('error', (error: NodeJS.ErrnoException) => {
        reject(unavailable(error.code === 'ENOENT' ? `there is no ${command ?? usual}` : error.message));
      });
      child.once('close', (code, signal) => {
        if (signal === null) resolve({ code, output, complaint: complaint.trim() });
        else reject(unavailable(`it did not answer within ${timeoutMs / 1000} s`));
      });
      // A program that ends before it has read says so by its code.
      child.stdin.on('error', () => {});
      child.stdin.end(input);
    });
}

function unavailable(reason: string): Error {
  const [line = ''] = reason.split('\n');
  return makeError('keyring_unavailable', { reason: line.slice(0, 200) }, { detail: reason });
}
