/** The engine process: owns all native code, takes messages from the server's process and ends when that goes away. */
import { makeError } from '../../core/errors.ts';
import type { StreamEvent } from '../../core/events.ts';
import { LanguageModule, type GenerationSink } from '../modules/language-module.ts';
import { returnFreeMemory } from '../native/return-free-memory.ts';
import { DeviceLoadProbe } from '../scheduler/device-load.ts';
import type { FromEngine, ToEngine, VisionOptions } from './messages.ts';
import { toWireError } from './wire-error.ts';

const statisticsEveryMs = 1_000;

let language: LanguageModule | undefined;
let pending: { id: string; event: StreamEvent }[] = [];

function send(message: FromEngine): void {
  // The channel closes when the server's process ends; `disconnect` then ends this one.
  if (process.connected) process.send?.(message);
}

/** Events of one step travel in one message. */
function emit(id: string, event: StreamEvent): void {
  if (pending.length === 0) setImmediate(flush);
  pending.push({ id, event });
}

function flush(): void {
  const items = pending;
  pending = [];
  if (items.length > 0) send({ type: 'events', items });
}

async function load(message: Extract<ToEngine, { type: 'load' }>): Promise<void> {
  try {
    language = await LanguageModule.load(message.options, { onSession: (note) => send({ type: 'session', note }) });
    send({ type: 'ready', info: language.info });
    reportLoad(language);
  } catch (error) {
    send({ type: 'load-failed', error: toWireError(error, 'load') });
  }
}

async function loadVision(options: VisionOptions): Promise<void> {
  const before = process.memoryUsage.rss();
  try {
    await ready().loadVision(options);
    send({ type: 'vision-loaded', info: { grownBytes: Math.max(0, process.memoryUsage.rss() - before) } });
  } catch (error) {
    send({ type: 'vision-failed', error: toWireError(error, 'load-vision') });
  }
}

async function unloadVision(): Promise<void> {
  await language?.unloadVision();
  returnFreeMemory();
  send({ type: 'vision-unloaded', residentBytes: process.memoryUsage.rss() });
}

function reportLoad(module: LanguageModule): void {
  const probe = new DeviceLoadProbe();
  setInterval(() => {
    module.observeDevice(probe.sample());
    const vision = module.visionStatistics;
    const statistics = {
      ...module.statistics(),
      ...module.sessionStatistics,
      residentBytes: process.memoryUsage.rss(),
    };
    send({ type: 'statistics', statistics: vision === undefined ? statistics : { ...statistics, vision } });
  }, statisticsEveryMs).unref();
}

function refuse(id: string, error: unknown): void {
  send({ type: 'refused', id, error: toWireError(error, id) });
}

function ready(): LanguageModule {
  if (language === undefined) throw makeError('engine_unavailable', { reason: 'the model is not loaded' });
  return language;
}

function onMessage(message: ToEngine): void {
  switch (message.type) {
    case 'load':
      void load(message);
      return;
    case 'generate': {
      const { request, pictures = [], adapter } = message;
      const { id } = request;
      const sink: GenerationSink = {
        onEvent: (event) => emit(id, event),
        onRefused: (error) => refuse(id, error),
      };
      try {
        if (pictures.length === 0 && request.cache?.session !== undefined) {
          ready().generateInSession(request, sink, adapter).catch(sink.onRefused);
        } else if (pictures.length === 0) ready().generate(request, sink, adapter);
        else ready().generateWithPictures(request, pictures, sink, adapter).catch(sink.onRefused);
      } catch (error) {
        refuse(id, error);
      }
      return;
    }
    case 'load-vision':
      void loadVision(message.options);
      return;
    case 'unload-vision':
      void unloadVision();
      return;
    case 'embed': {
      const { id } = message.request;
      Promise.resolve()
        .then(() => ready().embed(message.request))
        .then((result) => send({ type: 'embedded', id, result }))
        .catch((error: unknown) => refuse(id, error));
      return;
    }
    case 'cancel':
      language?.cancel(message.id);
      return;
    case 'shutdown':
      void shutDown();
  }
}

async function shutDown(): Promise<void> {
  await language?.dispose();
  process.exit(0);
}

process.on('message', (message) => onMessage(message as ToEngine));
// Without its parent the engine has nobody to work for, and must not stay behind holding gigabytes.
process.on('disconnect', () => process.exit(0));
// A terminal or a service manager signals the whole process group; the parent decides when this process ends.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
