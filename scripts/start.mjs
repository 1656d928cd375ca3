/** `npm start -- ARGUMENTS`: set-up, then `duanyun serve ARGUMENTS` in this very process, so that signals reach it. */
import { fail, setUp } from './set-up.mjs';

await setUp().catch(fail);
process.argv.splice(2, 0, 'serve');
await import('../dist/main.js');
