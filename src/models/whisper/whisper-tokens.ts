/** Token numbers of the multilingual vocabulary, which all sizes but the English ones share. */
export const firstSpecialToken = 50_257;
export const endOfText = 50_257;
export const startOfTranscript = 50_258;
export const firstLanguage = 50_259;
export const languageCount = 99;
export const translateToken = 50_358;
export const transcribeToken = 50_359;
export const startOfPrevious = 50_361;
export const noSpeech = 50_362;
export const noTimestamps = 50_363;
/** 0.00 s; each following token is 0.02 s later, up to 30.00 s. */
export const firstTimestamp = 50_364;
export const timestampSeconds = 0.02;
/** Best text tokens that a decoder step returns: twice the beams, and some that may not be written at the start. */
export const textCandidates = 12;
