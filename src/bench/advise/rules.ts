/** Chapter 5 of the reference document as data. A rule says which side it speaks for, how strongly, and why. */
import type { Text } from '../report/texts.ts';

export type Field =
  | 'privacy'
  | 'offline'
  | 'interactive'
  | 'personalised'
  | 'users'
  | 'complexTasks'
  | 'updates'
  | 'deviceMemoryGib'
  | 'firstTokenMs'
  | 'budget';
export type Figure =
  | 'edge.users'
  | 'edge.memoryGib'
  | 'edge.firstTokenMs'
  | 'edge.tokensPerSecond'
  | 'cloud.users'
  | 'cloud.firstTokenMs'
  | 'cloud.tokensPerSecond'
  /** Of all requests together at the best level of load. */
  | 'cloud.throughput'
  | 'cloud.monthlyCost';

export type Rule = {
  id: string;
  when: { field: Field; is: 'equal' | 'above' | 'below'; than: string | number | boolean | { figure: Figure } };
  /** `needs-…`: without this side the requirement is not met; `rules-out-…`: with this side alone it is not. */
  says: 'needs-device' | 'needs-cloud' | 'favours-device' | 'favours-cloud' | 'rules-out-device' | 'rules-out-cloud';
  reason: Text;
  /** Figures that a reader wants to see beside the reason; they decide nothing. */
  shows?: Figure[];
};

export const rules: readonly Rule[] = [
  {
    id: 'privacy-all',
    when: { field: 'privacy', is: 'equal', than: 'all' },
    says: 'rules-out-cloud',
    shows: ['edge.firstTokenMs', 'edge.tokensPerSecond'],
    reason: {
      zh: '所有请求都敏感（如医疗、金融）：数据不得离开设备',
      en: 'Every request is sensitive (medicine, finance): nothing may leave the device',
    },
  },
  {
    id: 'privacy-some',
    when: { field: 'privacy', is: 'equal', than: 'some' },
    says: 'needs-device',
    reason: {
      zh: '部分请求敏感：这些请求必须在端侧运行',
      en: 'Some requests are sensitive: those must run on the device',
    },
  },
  {
    id: 'offline',
    when: { field: 'offline', is: 'equal', than: true },
    says: 'needs-device',
    shows: ['edge.firstTokenMs', 'edge.tokensPerSecond'],
    reason: { zh: '断网时也要可用（如车载、野外）', en: 'It must work without a network (cars, field work)' },
  },
  {
    id: 'interactive',
    when: { field: 'interactive', is: 'equal', than: true },
    says: 'favours-device',
    shows: ['edge.firstTokenMs', 'cloud.firstTokenMs'],
    reason: {
      zh: '低延迟交互（如 AR 眼镜、智能家居）：端侧响应稳定，不受网络影响',
      en: 'Interactive (glasses, home control): the device answers steadily, whatever the network does',
    },
  },
  {
    id: 'personalised',
    when: { field: 'personalised', is: 'equal', than: true },
    says: 'favours-device',
    reason: { zh: '用户个性化模型：本地微调的小模型', en: 'A model of each user’s own, tuned on the device' },
  },
  {
    id: 'complex-tasks',
    when: { field: 'complexTasks', is: 'above', than: 0 },
    says: 'favours-cloud',
    shows: ['edge.tokensPerSecond', 'cloud.tokensPerSecond'],
    reason: {
      zh: '高复杂度任务（长文档摘要、多跳推理、代码生成）',
      en: 'Complex tasks (long documents, several steps of reasoning, code)',
    },
  },
  {
    id: 'many-users',
    when: { field: 'users', is: 'above', than: { figure: 'edge.users' } },
    says: 'rules-out-device',
    shows: ['cloud.users'],
    reason: {
      zh: '同时使用的人数超过一台设备能承担的',
      en: 'More people at once than one device serves within the limits',
    },
  },
  {
    id: 'frequent-updates',
    when: { field: 'updates', is: 'equal', than: 'weekly' },
    says: 'favours-cloud',
    reason: { zh: '模型频繁更新：云端只需更新一处', en: 'The model changes often: the cloud is updated in one place' },
  },
  {
    id: 'small-device',
    when: { field: 'deviceMemoryGib', is: 'below', than: { figure: 'edge.memoryGib' } },
    says: 'rules-out-device',
    reason: {
      zh: '设备内存放不下模型（中低端手机）',
      en: 'The model does not fit into the device’s memory (older and cheaper devices)',
    },
  },
  {
    id: 'device-too-slow',
    when: { field: 'firstTokenMs', is: 'below', than: { figure: 'edge.firstTokenMs' } },
    says: 'rules-out-device',
    reason: { zh: '端侧首次响应超过延迟上限', en: 'The device’s first token comes after the limit' },
  },
  {
    id: 'cloud-too-slow',
    when: { field: 'firstTokenMs', is: 'below', than: { figure: 'cloud.firstTokenMs' } },
    says: 'rules-out-cloud',
    reason: { zh: '云端首次响应超过延迟上限', en: 'The cloud’s first token comes after the limit' },
  },
  {
    id: 'cloud-too-dear',
    when: { field: 'budget', is: 'below', than: { figure: 'cloud.monthlyCost' } },
    says: 'rules-out-cloud',
    reason: { zh: '云端费用超过每月预算', en: 'The cloud costs more than the monthly budget' },
  },
];
