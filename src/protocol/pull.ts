import * as z from 'zod';

/**
 * Body of `POST /v1/models/pull`. Only a catalogue's name: a path would let a client of the network open files of this
 * machine.
 */
export const pullSchema = z.object({
  model: z
    .string()
    .max(128)
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, { error: 'must be a name from the catalogue' }),
});

/** Body of `POST /v1/models/switch`. */
export const switchSchema = pullSchema;
/** Body of `POST /v1/models/remove`. */
export const removeSchema = pullSchema;
