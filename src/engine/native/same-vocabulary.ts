/** Whether two models mean the same by a token's number. */

/** Files of one family are padded to different sizes; what is behind the shorter one is never said. */
const mostPadding = 128;

export type Vocabulary = {
  readonly vocabularySize: number;
  textOf(token: number): string;
};

/** What differs, in words for the user; `undefined` where a draft of one model can be checked by the other. */
export function checkSameVocabulary(draft: Vocabulary, model: Vocabulary): string | undefined {
  if (Math.abs(draft.vocabularySize - model.vocabularySize) > mostPadding) {
    return `its vocabulary has ${draft.vocabularySize} tokens, not ${model.vocabularySize}`;
  }
  const shared = Math.min(draft.vocabularySize, model.vocabularySize);
  for (let token = 0; token < shared; token++) {
    if (draft.textOf(token) === model.textOf(token)) continue;
    return `token ${token} of its vocabulary is another one`;
  }
  return undefined;
}
