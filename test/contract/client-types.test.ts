/** The library's own types against the schemas and types of the server: what is written twice there is held together here. */
import { describe, expectTypeOf, it } from 'vitest';
import type * as z from 'zod';
import type * as client from '../../src/client/index.ts';
import type { ReceiptSummary } from '../../src/core/events.ts';
import type { Explanation } from '../../src/hybrid/hybrid-service.ts';
import type { Receipt } from '../../src/hybrid/receipts.ts';
import type { chatSchema } from '../../src/protocol/chat-schema.ts';
import type { generationWishes } from '../../src/protocol/route-wishes.ts';

type Chat = z.input<typeof chatSchema>;
/** Set by the library, or refused by the server as legacy forms. */
type NotOffered = 'stream' | 'stream_options' | 'n' | 'functions' | 'function_call';

describe('the types of the client library', () => {
  it('offer every field of a chat request, and nothing that the server would refuse', () => {
    expectTypeOf<client.ChatRequest>().toExtend<Chat>();
    expectTypeOf<keyof client.ChatRequest>().toEqualTypeOf<Exclude<keyof Chat, NotOffered>>();
    type Format = NonNullable<Chat['response_format']>['type'];
    expectTypeOf<client.ResponseFormat['type']>().toEqualTypeOf<Format>();
    expectTypeOf<client.ChatMessage['role']>().toEqualTypeOf<Chat['messages'][number]['role']>();
    type Part = Extract<Extract<Chat['messages'][number], { role: 'user' }>['content'], unknown[]>[number];
    type OwnPart = Extract<client.UserMessage['content'], unknown[]>[number];
    expectTypeOf<OwnPart['type']>().toEqualTypeOf<Part['type']>();
    type Audio = Extract<Part, { type: 'input_audio' }>['input_audio']['format'];
    expectTypeOf<client.AudioFormat>().toEqualTypeOf<Audio>();
    expectTypeOf<keyof client.RouteWishes>().toEqualTypeOf<keyof NonNullable<z.input<typeof generationWishes>>>();
  });

  it('are those of the receipt and the explanation', () => {
    expectTypeOf<Receipt>().toExtend<client.Receipt>();
    expectTypeOf<keyof client.Receipt>().toEqualTypeOf<keyof Receipt>();
    expectTypeOf<Explanation>().toExtend<client.RouteExplanation>();
    expectTypeOf<ReceiptSummary['reasons']>().toEqualTypeOf<client.Route['reasons']>();
  });
});
