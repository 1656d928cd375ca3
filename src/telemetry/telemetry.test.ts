import { describe, expect, it } from 'vitest';
import { makeError } from '../core/errors.ts';
import { createLog, type LogOptions } from './log.ts';
import { createMetrics } from './metrics.ts';

const capture = (options: LogOptions = {}) => {
  const lines: string[] = [];
  const log = createLog({ destination: { write: (line) => void lines.push(line) }, ...options });
  return { log, lines };
};

describe('the log', () => {
  it('writes one JSON object a line', () => {
    const { log, lines } = capture();
    log.info({ requestId: 'r1', promptTokens: 5 }, 'request');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      msg: 'request',
      requestId: 'r1',
      promptTokens: 5,
    });
  });

  it('leaves out what is below its level', () => {
    const { log, lines } = capture({ level: 'warn' });
    log.debug({}, 'a');
    log.info({}, 'b');
    log.warn({}, 'c');
    log.error({}, 'd');
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['c', 'd']);
  });

  it('never writes keys, wherever they stand', () => {
    const { log, lines } = capture();
    log.error(
      {
        authorization: 'Bearer abc123',
        upstream: { headers: { Authorization: 'Bearer abc123', 'x-api-key': 'abc123' }, apiKey: 'abc123' },
        note: 'sent Authorization: Bearer abc123 to x',
        url: 'https://x/?k=sk-abc123abc123abc123',
        error: makeError('internal', { requestId: 'r' }, { detail: 'upstream said: bad key sk-abc123abc123' }),
      },
      'failed with Bearer abc123',
    );
    expect(lines.join('')).not.toContain('abc123');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ error: { code: 'internal' } });
  });

  it('never writes what people or models wrote', () => {
    const { log, lines } = capture();
    log.info(
      { messages: [{ content: 'my diary' }], request: { prompt: 'my diary', input: ['my diary'] }, text: 'my diary' },
      'x',
    );
    expect(lines.join('')).not.toContain('diary');
  });

  it('is one readable line where a person reads it, and cannot be forged', () => {
    const { log, lines } = capture({ pretty: true });
    log.warn({ route: '/v1/models', note: 'two\nlines' }, 'slow\n12:00:00 error fake');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.trimEnd()).not.toContain('\n');
    expect(lines[0]).toMatch(/\d\d:\d\d:\d\d.*warn.*slow 12:00:00 error fake.*route=\/v1\/models note="two\\nlines"/);
  });
});

describe('metrics', () => {
  it('come out as Prometheus text', async () => {
    const metrics = createMetrics();
    metrics.count('duanyun_http_requests_total', { route: '/a', method: 'GET', status: '200' });
    metrics.count('duanyun_http_requests_total', { status: '200', method: 'GET', route: '/a' }, 2);
    metrics.gauge('engine_made_up', 3.5, { slot: '1' });
    metrics.observe('duanyun_inter_token_seconds', 0.012, { model: 'm', target: 'device' });
    const { contentType, text } = await metrics.render();
    expect(contentType).toContain('text/plain');
    expect(text).toContain('# HELP duanyun_http_requests_total HTTP requests that are over');
    expect(text).toContain('duanyun_http_requests_total{route="/a",method="GET",status="200"} 3');
    expect(text).toContain('engine_made_up{slot="1"} 3.5');
    expect(text).toContain('duanyun_inter_token_seconds_bucket{le="0.02",model="m",target="device"} 1');
    expect(text).toContain('duanyun_inter_token_seconds_bucket{le="0.01",model="m",target="device"} 0');
  });

  it('never break what they measure', async () => {
    const metrics = createMetrics();
    metrics.count('a_total', { x: '1' });
    metrics.count('a_total', { y: '1' });
    metrics.gauge('a_total', 1, { x: '1' });
    metrics.count('a_total', { x: '1' }, Number.NaN);
    metrics.count('a_total', { x: '1' }, -5);
    metrics.observe('b_seconds', Number.NaN);
    const { text } = await metrics.render();
    expect(text).toContain('a_total{x="1"} 1');
    expect(text).toContain('duanyun_metrics_dropped_total{metric="a_total"}');
  });

  it('stop at a bound however many labels are made up', async () => {
    const metrics = createMetrics();
    for (let index = 0; index < 3000; index += 1) metrics.count('c_total', { model: `m${index}` });
    const { text } = await metrics.render();
    expect(text.match(/^c_total/gm)).toHaveLength(1000);
  });
});
