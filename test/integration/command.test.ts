/** The command as a user meets it; no weights are needed for any of this. */
import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DuanyunServer, emptyHome, projectRoot, runDuanyun } from './duanyun-process.ts';

// The first call may have to build.
beforeAll(async () => {
  expect(await runDuanyun(['--version'])).toMatchObject({ code: 0 });
});

describe('help and version', () => {
  it.each([[[]], [['serve']], [['chat']], [['pull']], [['models']], [['models', 'list']], [['doctor']]])(
    '%j --help explains itself',
    async (command) => {
      const { code, stdout, stderr } = await runDuanyun([...command, '--help']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain(`Usage: duanyun ${command.join(' ')}`.trim());
    },
  );

  it('names the variable of each flag', async () => {
    const { stdout } = await runDuanyun(['serve', '--help']);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('default 8000; variable DUANYUN_PORT');
    expect(stdout).toContain('--flash-attention');
  });

  it('runs through a symlink and from any folder', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'duanyun-link-'));
    const link = path.join(folder, 'duanyun');
    symlinkSync(path.join(projectRoot, 'bin', 'duanyun'), link);
    expect(await runDuanyun(['--version'], { file: link, cwd: folder })).toMatchObject({ code: 0, stdout: '0.1.0\n' });
  });
});

describe('wrong use ends with 2 and one readable message', () => {
  it.each([
    [['serve', '--prot', '1'], 'error [usage]: unknown option'],
    [['serve', '--port', 'abc'], 'error [config_invalid]: Configuration: --port: expected a port, 0–65535, got "abc".'],
    [['sreve'], 'error [usage]: unknown command'],
    [['chat'], 'error [usage]: there is no question'],
    [['chat', '--temperature', '9', 'hi'], 'error [usage]: '],
    [['models', 'remove'], 'error [usage]: missing required argument'],
    [['serve', '--config', '/nowhere.yaml'], '/nowhere.yaml cannot be read'],
  ])('%j', async (args, message) => {
    const { code, stderr, stdout } = await runDuanyun(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('points to the line of the settings file', async () => {
    const home = emptyHome();
    writeFileSync(path.join(home, 'config.yaml'), 'host: 127.0.0.1\nprot: 1\n');
    const { code, stderr } = await runDuanyun(['models', 'list'], { environment: { DUANYUN_HOME: home } });
    expect(code).toBe(2);
    expect(stderr).toContain('config.yaml:2: there is no setting prot (did you mean port?)');
  });
});

describe('what cannot work ends with 1, one line and the code of the catalogue', () => {
  const occupied = createServer();
  let port = 0;
  beforeAll(async () => {
    await new Promise<void>((resolve) => {
      occupied.listen(0, '127.0.0.1', () => resolve());
    });
    port = (occupied.address() as AddressInfo).port;
  });
  afterAll(() => {
    occupied.close();
  });

  it.each([
    [['chat', '--image', '/nowhere.png', 'hi'], 'error [not_found]: The file /nowhere.png was not found.\n'],
    [
      ['chat', '--audio', os.tmpdir()],
      `error [invalid_request]: The file ${os.tmpdir()} cannot be read: it is a folder.\n`,
    ],
    [['transcribe', '/nowhere.wav'], 'error [not_found]: The file /nowhere.wav was not found.\n'],
  ])('%j', async (args, message) => {
    expect(await runDuanyun(args)).toMatchObject({ code: 1, stdout: '', stderr: message });
  });

  it('a port in use', async () => {
    const { code, stderr } = await runDuanyun(['serve', '--port', String(port)]);
    expect(code).toBe(1);
    expect(stderr).toBe(`error [port_in_use]: Port ${port} on 127.0.0.1 is in use. Choose another with --port.\n`);
  });

  it('an open address without a key', async () => {
    const { code, stderr } = await runDuanyun(['serve', '--host', '0.0.0.0', '--port', '0']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error \[insecure_bind\]: /);
  });

  it.each(['../../etc/passwd', '/etc/passwd', 'no-such-model', '../../etc/passwd.gguf'])(
    'the model %s',
    async (model) => {
      const environment = { DUANYUN_HOME: emptyHome(), DUANYUN_LOG_LEVEL: 'silent' };
      const { code, stderr } = await runDuanyun(['serve', '--port', '0', '--model', model], { environment });
      expect(code).toBe(1);
      expect(stderr).toMatch(/^error \[model_not_found\]: There is no model [^\n]*\n$/);
    },
  );

  it('a file that is no model: native code never sees it', async () => {
    const file = path.join(emptyHome(), 'broken.gguf');
    writeFileSync(file, 'GGUF and nothing that follows it makes any sense');
    const environment = { DUANYUN_LOG_LEVEL: 'silent' };
    const { code, stderr } = await runDuanyun(['serve', '--port', '0', '--model', file], { environment });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error \[model_file_invalid\]: broken\.gguf is not a usable GGUF model: [^\n]*\n$/);
  });

  it('offline without the model', async () => {
    const environment = { DUANYUN_HOME: emptyHome() };
    const { code, stderr } = await runDuanyun(['pull', 'smollm2-135m', '--offline'], { environment });
    expect(code).toBe(1);
    expect(stderr).toContain('error [offline]: ');
  });

  it('a server that is not there', async () => {
    const { code, stderr } = await runDuanyun(['chat', '--url', 'http://127.0.0.1:9', 'hi']);
    expect(code).toBe(1);
    expect(stderr).toContain('error [server_unreachable]: No Duanyun server answers at http://127.0.0.1:9');
  });

  it('shows the cause when asked', async () => {
    const { stderr } = await runDuanyun(['serve', '--port', String(port), '--verbose']);
    expect(stderr).toContain('EADDRINUSE');
  });
});

describe('models', () => {
  it('lists the catalogue as a table and as JSON', async () => {
    const environment = { DUANYUN_HOME: emptyHome() };
    const table = await runDuanyun(['models', 'list'], { environment });
    expect(table.stdout).toMatch(/^MODEL +HERE/);
    const { stdout } = await runDuanyun(['models', 'list', '--json'], { environment });
    const models = JSON.parse(stdout) as { id: string; installed: boolean }[];
    expect(models.find(({ id }) => id === 'smollm2-135m')).toMatchObject({ installed: false, licence: 'Apache-2.0' });
  });

  it('shows one, and says what there is for an unknown one', async () => {
    expect((await runDuanyun(['models', 'show', 'smollm2-135m'])).stdout).toContain('SmolLM2-135M-Instruct');
    const { code, stderr } = await runDuanyun(['models', 'show', '../../etc/passwd']);
    expect(code).toBe(1);
    expect(stderr).toContain('smollm2-135m');
  });

  it('does not remove what is not there', async () => {
    const { code, stderr } = await runDuanyun(['models', 'remove', 'smollm2-135m'], {
      environment: { DUANYUN_HOME: emptyHome() },
    });
    expect(code).toBe(1);
    expect(stderr).toContain('error [model_not_found]');
  });
});

describe('doctor', () => {
  it('proves the native library in a process of its own', async () => {
    const environment = { DUANYUN_HOME: emptyHome(), DUANYUN_OFFLINE: '1', DUANYUN_PORT: '0' };
    const { code, stdout } = await runDuanyun(['doctor', '--json'], { environment });
    const report = JSON.parse(stdout) as { ok: boolean; findings: { name: string; status: string; detail: string }[] };
    expect({ code, ok: report.ok }).toEqual({ code: 0, ok: true });
    expect(report.findings.find(({ name }) => name === 'native library')?.detail).toContain('layouts as expected');
  });

  it('ends with 1 when something is broken', async () => {
    const file = path.join(emptyHome(), 'file');
    writeFileSync(file, '');
    const environment = { DUANYUN_HOME: path.join(file, 'home'), DUANYUN_OFFLINE: '1' };
    const { code, stdout } = await runDuanyun(['doctor'], { environment });
    expect(code).toBe(1);
    expect(stdout).toMatch(/BROKEN +home/);
  });
});

describe('a server whose model is still on its way', () => {
  const hub = createServer(() => {
    // Takes the question and never answers: the worst kind of mirror.
  });
  let address = '';
  beforeAll(async () => {
    await new Promise<void>((resolve) => {
      hub.listen(0, '127.0.0.1', () => resolve());
    });
    address = `http://127.0.0.1:${(hub.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    hub.closeAllConnections();
    hub.close();
  });

  it('listens, says why it cannot answer, and ends at Ctrl-C', async () => {
    const server = new DuanyunServer(['--model', 'smollm2-135m'], {
      DUANYUN_HOME: emptyHome(),
      HF_ENDPOINT: address,
      DUANYUN_MODELSCOPE_ENDPOINT: address,
      PIP_INDEX_URL: address,
      PIP_EXTRA_INDEX_URL: '',
      PIP_CONFIG_FILE: '/dev/null',
    });
    const url = await server.listening();
    const health = await fetch(`${url}/health`);
    expect(health.status).toBe(503);
    expect(await health.json()).toMatchObject({ status: 'loading' });
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'hi' }] }),
    });
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await answer.json()).toMatchObject({ error: { code: 'engine_unavailable' } });
    expect(await server.stop()).toBe(130);
  });
});
