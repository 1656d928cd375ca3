// A stand-in for the engine process, for the tests of its supervisor: it speaks the messages and dies on request.
const answer = (message) => process.send(message);
const event = (id, item) => answer({ type: 'events', items: [{ id, event: item }] });

process.on('message', (message) => {
  if (message.type === 'shutdown') process.exit(0);
  if (message.type === 'load') {
    if (message.options.weightsPath === 'invalid') {
      answer({ type: 'load-failed', error: { code: 'model_file_invalid', message: 'bad file' } });
    } else if (message.options.weightsPath === 'dies') process.exit(3);
    else answer({ type: 'ready', info: { modelId: 'fake', contextTokens: 100 } });
  }
  if (message.type !== 'generate') return;
  const { id, input } = message.request;
  const { prompt } = input;
  if (prompt === 'crash') process.exit(1);
  if (prompt === 'refuse') {
    answer({ type: 'refused', id, error: { code: 'queue_full', message: 'full', retryAfterSeconds: 2 } });
    return;
  }
  event(id, { type: 'response-start', model: 'fake', backend: 'device' });
  event(id, { type: 'text-delta', text: String(process.pid) });
  if (prompt === 'hang') return;
  event(id, { type: 'finish', reason: { unified: 'stop', raw: 'stop' } });
});
process.on('disconnect', () => process.exit(0));
