import { describe, expect, it } from 'vitest';
import docs from '../../docs/errors.md?raw';
import { DuanyunError, errorCatalogue, makeError, toDuanyunError } from './errors.ts';

describe('the error catalogue', () => {
  it.each(Object.entries(errorCatalogue))('%s is documented with its status', (code, entry) => {
    expect(docs).toContain(`| \`${code}\` | ${entry.status} | ${entry.retryable ? 'yes' : 'no'} |`);
  });

  it('documents nothing that is not in the catalogue', () => {
    const documented = [...docs.matchAll(/^\| `(\w+)` \| \d+ \|/gm)].map((match) => match[1]);
    expect(documented.toSorted()).toEqual(Object.keys(errorCatalogue).toSorted());
  });

  it('fills the template and keeps the details for the log', () => {
    const error = makeError('model_not_found', { model: 'x', available: 'a, b' }, { detail: 'secret', param: 'model' });
    expect(error.message).toBe('There is no model x. Available: a, b.');
    expect(error).toMatchObject({ status: 404, retryable: false, param: 'model', detail: 'secret' });
  });

  it('never shows an unknown error to a client', () => {
    const error = toDuanyunError(new Error('open /etc/secret'), 'req_1');
    expect(error).toBeInstanceOf(DuanyunError);
    expect(error.message).not.toContain('secret');
    expect(error.detail).toContain('/etc/secret');
  });
});
