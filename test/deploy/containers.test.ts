/** The container files, read by the real tools; the image's steps are played again in a folder where that needs no network. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { environmentWith, pause, projectRoot } from '../integration/duanyun-process.ts';
import { FakeCloud } from '../support/fake-cloud.ts';
import { execute, obtainDeployTools } from '../support/deploy-tools.ts';

const deploy = path.join(projectRoot, 'deploy');
const docker = path.join(deploy, 'docker');
const composeFiles = readdirSync(docker).filter((name) => name.startsWith('compose.'));

const tools = await obtainDeployTools();
if ('missing' in tools) it('the files for containers and shells', ({ skip }) => skip(tools.missing));
else
  describe('the real tools have nothing to say', () => {
    it.each(['Dockerfile', 'Dockerfile.vllm-cpu'])('hadolint about %s', async (name) => {
      await execute(tools.hadolint, [path.join(docker, name)]);
    });

    it('ShellCheck about the scripts', async () => {
      const shells = ['run_autoglm_server.sh', 'install.sh', 'cpu/install-vllm.sh'].concat(
        readdirSync(path.join(deploy, 'lib'))
          .filter((name) => name.endsWith('.sh'))
          .map((name) => `lib/${name}`),
      );
      await execute(tools.shellcheck, ['-x', '-P', 'SCRIPTDIR', ...shells], { cwd: deploy });
    });

    it.each(composeFiles)('Docker Compose about %s, and it starts what it should', async (name) => {
      const { stdout } = await execute(tools.compose, [
        '--file',
        path.join(docker, name),
        'config',
        '--format',
        'json',
      ]);
      const { services, networks } = JSON.parse(stdout) as ComposeFile;
      expect(services.gateway.secrets).toEqual([expect.objectContaining({ source: 'api-keys' })]);
      expect(services.gateway).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
      // Nobody but the gateway reaches the model.
      expect(services.vllm.ports).toBeUndefined();
      expect(networks['model']).toMatchObject({ internal: true });
      expect(services.vllm.healthcheck.test.join(' ')).toContain('/health');
      const gpus = services.vllm.deploy?.resources.reservations.devices[0]?.count ?? 0;
      expect(gpus).toBe(Number(/gpu(\d)/.exec(name)?.[1] ?? 0));
      const command = services.vllm.command.join(' ');
      expect(command.includes('--tensor-parallel-size 2')).toBe(gpus === 2);
      const known = new Set(
        readFileSync(path.join(import.meta.dirname, 'stand-ins', 'vllm-serve-flags.txt'), 'utf8').split('\n'),
      );
      for (const flag of services.vllm.command.filter((each) => each.startsWith('--'))) expect(known).toContain(flag);
    });
  });

type ComposeFile = {
  services: {
    gateway: { secrets: object[] };
    vllm: {
      ports?: object[];
      command: string[];
      healthcheck: { test: string[] };
      deploy?: { resources: { reservations: { devices: { count: number }[] } } };
    };
  };
  networks: Record<string, object>;
};

it('the images of the compose files are named with a version', () => {
  for (const name of ['gateway.yaml', 'vllm.yaml', 'compose.cpu.yaml']) {
    const { services } = parse(readFileSync(path.join(docker, name), 'utf8')) as {
      services: Record<string, { image?: string }>;
    };
    for (const { image } of Object.values(services)) {
      if (image !== undefined) expect(image).toMatch(/:-[\w./-]+:v?\d+\.\d+\.\d+\}$/);
    }
  }
});

describe('the image of the gateway', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'duanyun-image-'));
  let child: ChildProcess | undefined;
  const cloud = new FakeCloud();
  afterAll(async () => {
    child?.kill('SIGKILL');
    await cloud.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('holds no native engine, and the gateway starts and answers without one', async () => {
    await execute(process.execPath, [path.join(docker, 'gateway-packages.mjs'), projectRoot, folder]);
    const lock = JSON.parse(readFileSync(path.join(folder, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, object>;
    };
    const places = Object.keys(lock.packages).filter((place) => place.startsWith('node_modules/'));
    const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { dependencies: object };
    for (const name of Object.keys(manifest.dependencies)) expect(places).toContain(`node_modules/${name}`);
    expect(places.filter((place) => /@qvac|koffi|sharp|onnx|vitest|typescript|echarts/.test(place))).toEqual([]);
    // What `npm ci` would install: the same packages, from this project's own folder.
    for (const place of places.filter((each) => each.lastIndexOf('node_modules/') === 0)) {
      mkdirSync(path.dirname(path.join(folder, place)), { recursive: true });
      symlinkSync(path.join(projectRoot, place), path.join(folder, place));
    }
    symlinkSync(path.join(projectRoot, 'dist'), path.join(folder, 'dist'));
    const recorded = readFileSync(path.join(projectRoot, 'test', 'fixtures', 'vllm', 'chat-body.json'));
    cloud.play = (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(recorded);
    await cloud.start();
    // Links stay links, so that packages are looked for in the folder of the image and nowhere else.
    const flags = ['--preserve-symlinks', '--preserve-symlinks-main', path.join(folder, 'dist', 'main.js')];
    child = spawn(process.execPath, [...flags, 'serve'], {
      cwd: folder,
      env: environmentWith({
        DUANYUN_HOME: path.join(folder, 'home'),
        DUANYUN_ROLE: 'cloud',
        DUANYUN_PORT: '0',
        DUANYUN_CLOUD_URL: cloud.url,
        DUANYUN_CLOUD_MODEL: 'cloud-1',
        DUANYUN_LOG_FORMAT: 'json',
      }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const url = await listening(child);
    await until(async () => (await fetch(`${url}/health`)).status === 200);
    const probe = path.join(deploy, 'lib', 'probe.mjs');
    const answer = await execute(process.execPath, [probe, 'generate', url, 'autoglm-phone-9b']);
    expect(answer.stdout).toMatch(/^\d+ tokens in /);
    await execute(process.execPath, [probe, 'health', url]);
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
  });
});

async function listening(child: ChildProcess): Promise<string> {
  let said = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
  for (;;) {
    const url = /listens on (http:\S+)/.exec(said)?.[1];
    if (url !== undefined) return url;
    if (child.exitCode !== null) throw new Error(`ended: ${said}`);
    await pause(20);
  }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(50);
}
