import {
  complexityCoefficients,
  type ComplexityCoefficients,
  type ComplexityFeature,
} from '../data/complexity-coefficients.ts';
import type { TaskKind } from '../task/classify-task.ts';

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

function count(text: string, pattern: RegExp, limit: number): number {
  let found = 0;
  for (const _ of text.matchAll(pattern)) if (++found >= limit) break;
  return found;
}

/** Visible characters that are no digits, and those of them that are neither Chinese nor ASCII. */
function countScripts(text: string): { visible: number; foreign: number } {
  let visible = 0;
  let foreign = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code <= 32 || (code >= 48 && code <= 57)) continue;
    visible++;
    if (code > 0x7e && !(code >= 0x3000 && code <= 0x303f) && !(code >= 0x3400 && code <= 0x9fff)) foreign++;
  }
  return { visible, foreign };
}

/** The features that the coefficients weigh; see `ComplexityFeature` for their scales. */
function complexityFeatures({
  lower,
  conversationCharacters,
  structured,
}: ComplexityInput): Record<ComplexityFeature, number> {
  // A document of ten pages needs no more than its beginning and end to be judged.
  const text = lower.length > 4000 ? lower.slice(0, 2000) + lower.slice(-2000) : lower;
  const words = text.match(/[a-z]+/g) ?? [];
  const { visible, foreign } = countScripts(text);
  const codeLines = count(text, /^(?:\s{2,}\S|.*[;{}]\s*$|.*=>|.*\bdef |.*\bfunction )/gm, 200);
  return {
    length: Math.log1p(lower.length / 100),
    context: Math.log1p(conversationCharacters / 1000),
    steps: count(text, steps, 4),
    constraints: count(text, constraints, 4),
    numbers: Math.log1p(count(text, /\d+(?:\.\d+)?/g, 50)),
    symbols: Math.log1p(count(text, /[=+*/^<>{}[\]√∫∑≤≥]/g, 100)),
    code: Math.log1p(codeLines),
    questions: Math.min(4, Math.max(0, count(text, /\?/g, 5) - 1)),
    hardSubjects: count(text, hard, 4),
    easy: easy.test(text.trim()) ? 1 : 0,
    longWords: words.length === 0 ? 0 : words.filter((word) => word.length >= 9).length / words.length,
    otherLanguage: visible > 10 && foreign > visible / 2 ? 1 : 0,
    structured: structured ? 1 : 0,
  };
}

/** Estimates how likely a small model is to fail at a request, 0–1. Pure; the coefficients can be replaced by a fit. */
export function estimateComplexity(
  input: ComplexityInput,
  coefficients: ComplexityCoefficients = complexityCoefficients,
): ComplexitySignal {
  const features = complexityFeatures(input);
  let sum = coefficients.bias + coefficients.tasks[input.task];
  for (const name of Object.keys(features) as ComplexityFeature[]) sum += features[name] * coefficients.features[name];
  return { score: 1 / (1 + Math.exp(-sum)), features, version: coefficients.version };
}
