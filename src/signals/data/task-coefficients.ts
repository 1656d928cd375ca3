/**
 * What speaks for each task: patterns over the newest user text (normalised, lower case) with the weight that each adds.
 * The task with the highest sum wins; below `minimumScore` a text is a question where it asks and otherwise chat.
 */
export type TaskPattern = { pattern: RegExp; weight: number };

export const minimumScore = 1;

export const taskPatterns = {
  translation: [
    {
      pattern:
        /翻译|译成|译为|翻成|英译|中译|用(?:英语|英文|日语|法语|中文|韩语|德语|西班牙语)(?:怎么)?(?:说|写|表达)|(?:英文|英语|日语|法语|中文)怎么(?:说|写|讲)/,
      weight: 3,
    },
    {
      pattern:
        /\btranslat(?:e|ion|ing)\b|\bhow (?:do|would) (?:you|i) say\b|\bin (?:french|spanish|german|chinese|japanese|english|korean|italian|russian)\b/,
      weight: 2.5,
    },
    { pattern: /\binto (?:french|spanish|german|chinese|japanese|english|korean|italian|russian)\b/, weight: 1.5 },
  ],
  summary: [
    { pattern: /总结|概括|摘要|归纳|提炼|缩写成|主要内容|中心思想|要点|一句话概述/, weight: 2.5 },
    {
      pattern:
        /\bsummar(?:y|ies|ize|ise|izing)\b|\btl;?dr\b|\bkey (?:points|takeaways)\b|\bmain (?:idea|points)\b|\bcondense\b|\bgist\b/,
      weight: 2.5,
    },
  ],
  code: [
    {
      pattern:
        /```|\bdef \w+\(|\bfunction\s*\w*\(|\bclass \w+[\s:{(]|#include|\bpublic static\b|=>\s*[{(]|\bselect\b.+\bfrom\b|console\.log|import \w+|traceback|nullpointer|segmentation fault|syntaxerror|typeerror/,
      weight: 2.5,
    },
    { pattern: /代码|函数|脚本|编程|报错|正则表达式|实现一个|算法实现|调试|重构|单元测试|数据库表|接口/, weight: 2 },
    {
      pattern:
        /\b(?:code|function|script|regex|refactor|debug|unit test|compile|stack trace|api endpoint|sql query|dockerfile|bash|implement)\b/,
      weight: 2,
    },
    {
      pattern:
        /\b(?:python|javascript|typescript|java|c\+\+|rust|golang|html|css|sql|react|vue|node\.js|kotlin|swift|pandas|numpy)\b/,
      weight: 1.5,
    },
  ],
  mathematics: [
    {
      pattern: /解方程|求解|求导|积分|证明|微分|矩阵|概率是多少|几何|因式分解|求值|计算|等于多少|方程|数列|应用题/,
      weight: 2,
    },
    {
      pattern:
        /\b(?:solve|equation|integral|derivative|prove|proof|matrix|probability|calculate|compute|evaluate|factor|simplify)\b/,
      weight: 1.8,
    },
    { pattern: /\d\s*[+\-*/×÷^=]\s*\(?\d|\b[xyn]\s*[\^=+-]\s*\d|√|∫|∑|\\frac|\bsqrt\b|sin\(|log\(/, weight: 1.8 },
    {
      pattern: /(?:多少|几)(?:个|元|米|人|只|天|小时|公里|岁|块).{0,3}[??]?$|\bhow (?:many|much)\b.*\d/,
      weight: 1.2,
    },
  ],
  extraction: [
    {
      pattern:
        /提取|抽取|找出(?:所有|其中|文中)|列出文中|识别出|整理成(?:表格|json|列表)|转换?成json|以json|按字段|填入表格|分类标签/,
      weight: 2.5,
    },
    {
      pattern:
        /\bextract\b|\bpull out\b|\bparse\b|\bas json\b|\bin json\b|\bjson (?:object|array|format)\b|\binto a table\b|\blist (?:all|every) (?:the )?\w+ (?:mentioned|in the text)\b|\bclassify\b|\bentities\b/,
      weight: 2.3,
    },
  ],
  minutes: [
    { pattern: /会议纪要|会议记录|会议总结|参会人|待办事项|会议录音|行动项/, weight: 3.5 },
    {
      pattern: /\bmeeting (?:minutes|notes|summary|transcript)\b|\baction items\b|\bminutes of\b|\bmeeting recording\b/,
      weight: 3.5,
    },
  ],
  reasoning: [
    {
      pattern:
        /推理|逻辑题|为什么会|分析.{0,12}原因|一步步|逐步|如果.{2,40}那么|谁是凶手|真话|假话|权衡|利弊|比较.{1,20}(?:方案|优劣|区别)|制定.{0,8}(?:计划|方案)|设计.{0,8}(?:方案|实验|系统)|论证|规划/,
      weight: 1.8,
    },
    {
      pattern:
        /\bstep by step\b|\breason(?:ing)? through\b|\bpuzzle\b|\briddle\b|\blogic\b|\btrade-?offs?\b|\bpros and cons\b|\bcompare\b.+\band\b|\bplan (?:for|a|my)\b|\bdesign (?:a|an)\b|\banaly[sz]e\b|\bwhy (?:would|might|did)\b|\bif .{4,60} then\b|\bargue\b|\bdeduce\b/,
      weight: 1.8,
    },
  ],
} as const satisfies Record<string, readonly TaskPattern[]>;

/** A request that asks something. */
export const questionPattern =
  /\?|吗|呢|什么|怎么|为什么|如何|多少|哪(?:里|个|些|儿)|谁|几(?:个|点|天|岁)|是不是|有没有|能不能|是否|介绍|解释|说说|讲讲|^(?:what|who|when|where|why|how|which|is|are|do|does|did|can|could|should|would|will|explain|describe|define|name|list|tell me)\b/;

/** The text under a summary has to be long before the request is one: characters. */
export const longDocument = 600;
