import { complexityCoefficients } from '../data/complexity-coefficients.ts';
import { TextFilter } from '../privacy/text-filter.ts';
import type { TaskKind } from '../task/classify-task.ts';
import type { ComplexityCoefficients, ComplexityFeature } from './complexity-types.ts';

export type ComplexityInput = {
  /** The newest user text, normalised and in lower case. */
  lower: string;
  /** Characters of the whole conversation. */
  conversationCharacters: number;
  task: TaskKind;
  /** A JSON schema or tools are part of the request. */
  structured: boolean;
};

export type ComplexitySignal = {
  /** 0–1: the estimated chance that a small model fails at it. */
  score: number;
  features: Record<ComplexityFeature, number>;
  version: string;
};

const steps =
  /首先|然后|接着|最后|其次|第[一二三四五]步|步骤|逐步|分别|并且|同时|先.{1,20}再|\bfirst\b|\bthen\b|\bfinally\b|\bafter that\b|\bstep\b|\bnext,|\band also\b|\beach of\b|^\s*\d+[.)、]/gm;
const constraints =
  /不超过|不少于|至少|最多|必须|不能|不要|只能|字以内|字左右|格式|按照|以.{1,10}的形式|押韵|恰好|\bat least\b|\bat most\b|\bexactly\b|\bmust\b|\bno more than\b|\bwithout\b|\bonly\b|\bformat\b|\bwords\b|\bsentences\b|\bavoid\b|\bensure\b/g;
const hard =
  /证明|推导|优化|复杂度|并发|分布式|微积分|量子|相对论|法律|合同|诊断|论文|算法|架构|博弈|统计检验|回归|悖论|哲学|机器学习|神经网络|热力学|编译|密码学|动态规划|\bprove\b|\bderive\b|\boptimi[sz]e\b|\bcomplexity\b|\bconcurren|\bdistributed\b|\bquantum\b|\brelativity\b|\blegal\b|\bcontract\b|\bdiagnos|\balgorithm\b|\barchitecture\b|\bregression\b|\bparadox\b|\bphilosoph|\bneural\b|\bthermodynamic|\bcompiler\b|\bcryptograph|\bdynamic programming\b|\btheorem\b|\brecursi|\bhypothesis\b/g;
const easy =
  /^(?:你好|您好|嗨|早上好|晚上好|谢谢|再见|在吗|哈喽|晚安|hi|hello|hey|thanks|thank you|good (?:morning|night|evening)|bye|ok|okay)[\s!,.。!~]*[^\n]{0,12}$|讲个笑话|tell me a joke/;
const arithmetic =
  /[×÷%^√]|\d\s*[*/]\s*\d|乘|除以|次方|平方|百分之|公约数|公倍数|打.{0,3}折|面积|速度|\btimes\b|\bdivided\b|\bmultipl|\bpercent|\bpower\b|\bsquare|\bcommon (?:divisor|multiple)|\bsum of\b|\baverage\b|\barea\b|\bkm\/h\b/g;
const relations =
  /比.{1,12}(?:高|矮|大|小|多|少|快|慢|早|晚)|的.{0,4}倍|天后|天前|下一个|最(?:高|矮|大|小|多|少)|一共|还剩|如果|\bthan\b|\btimes as\b|\bdays? (?:after|before|later)\b|\bin \d+ days\b|\bnext\b|\bin all\b|\bleft\b|\bif\b|\beach\b/g;
const bareAnswer =
  /只(?:写出?|回答|给出?|输出|回复)|不要解释|直接(?:给|回答)|\banswer only\b|\bonly the (?:answer|number|result)\b|\b(?:number|answer|translation|code) only\b|\bnothing else\b|\bno explanation\b|\bwithout explanation\b/;

function count(text: string, pattern: RegExp, limit: number, filter: TextFilter): number {
  if (!filter.mayMatch(pattern)) return 0;
  let found = 0;
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    if (++found >= limit) break;
    if (match[0] === '') pattern.lastIndex++;
  }
  return found;
}

/** Visible characters that are no digits; those of them that are Latin letters, and that are neither Chinese nor ASCII. */
function countScripts(text: string): { visible: number; foreign: number; latin: number } {
  let visible = 0;
  let foreign = 0;
  let latin = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code <= 32 || (code >= 48 && code <= 57)) continue;
    visible++;
    if (code >= 97 && code <= 122) latin++;
    if (code > 0x7e && !(code >= 0x3000 && code <= 0x303f) && !(code >= 0x3400 && code <= 0x9fff)) foreign++;
  }
  return { visible, foreign, latin };
}

/** The features that the coefficients weigh; see `ComplexityFeature` for their scales. */
function complexityFeatures({
  lower,
  conversationCharacters,
  structured,
}: ComplexityInput): Record<ComplexityFeature, number> {
  // A document of ten pages needs no more than its beginning and end to be judged.
  const text = lower.length > 4000 ? lower.slice(0, 2000) + lower.slice(-2000) : lower;
  const filter = new TextFilter(text);
  const words = text.match(/[a-z]+/g) ?? [];
  const { visible, foreign, latin } = countScripts(text);
  // Without any of these no line looks like code.
  const mayBeCode = /[;{}]|=>|def |function |\s\s/.test(text);
  const codeLines = !mayBeCode
    ? 0
    : count(text, /^(?:\s{2,}\S|.*[;{}]\s*$|.*=>|.*\bdef |.*\bfunction )/gm, 200, filter);
  return {
    length: Math.log1p(lower.length / 100),
    context: Math.log1p(conversationCharacters / 1000),
    steps: count(text, steps, 4, filter),
    constraints: count(text, constraints, 4, filter),
    numbers: Math.log1p(count(text, /\d+(?:\.\d+)?/g, 50, filter)),
    symbols: Math.log1p(count(text, /[=+*/^<>{}[\]√∫∑≤≥]/g, 100, filter)),
    code: Math.log1p(codeLines),
    questions: Math.min(4, Math.max(0, count(text, /\?/g, 5, filter) - 1)),
    hardSubjects: count(text, hard, 4, filter),
    easy: easy.test(text.trim()) ? 1 : 0,
    longWords: words.length === 0 ? 0 : words.filter((word) => word.length >= 9).length / words.length,
    otherLanguage: visible > 10 && foreign > visible / 2 ? 1 : 0,
    structured: structured ? 1 : 0,
    digits: Math.min(6, Math.max(0, ...(text.match(/\d+/g) ?? []).map((number) => number.length))),
    arithmetic: count(text, arithmetic, 4, filter),
    relations: count(text, relations, 4, filter),
    bareAnswer: bareAnswer.test(text) ? 1 : 0,
    latin: latin > visible / 2 ? 1 : 0,
    lines: Math.log1p(count(text, /\n/g, 200, filter)),
  };
}

/** Estimates how likely a small model is to fail at a request, 0–1. Pure; the coefficients are fitted to recorded answers. */
export function estimateComplexity(
  input: ComplexityInput,
  coefficients: ComplexityCoefficients = complexityCoefficients,
): ComplexitySignal {
  const features = complexityFeatures(input);
  let sum = coefficients.bias + coefficients.tasks[input.task];
  for (const name of Object.keys(features) as ComplexityFeature[]) sum += features[name] * coefficients.features[name];
  return { score: 1 / (1 + Math.exp(-sum)), features, version: coefficients.version };
}
