/** `npm start -- ARGUMENTS`: set-up, then `duanyun serve ARGUMENTS` in this very process, so that signals reach it. */
import { fail, setUp } from './set-up.mjs';

const parentCheckMs = 500;

const parent = process.ppid;
await setUp().catch(fail);
if (process.env.npm_lifecycle_event !== undefined) endWithParent();
process.argv.splice(2, 0, 'serve');
await import('../dist/main.js');

/**
 * npm starts us through a shell. When npm is told to end, it ends that shell, and a shell such as dash does not tell us: a
 * service manager that stops `npm start` would leave the server behind. So a lost parent counts as being told to end.
 */
function endWithParent() {
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, parentCheckMs);
  timer.unref();
  // Ctrl-C reaches npm, the shell and this process alike; that the others are gone then says nothing new.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => clearInterval(timer));
}
