/** What quality is measured on: ordinary Chinese and English, questions with answers, code, numbers. Written for this project; kept apart from the calibration text. */
export const evaluationText = `问:为什么夏天的白天比冬天长?
答:地球绕太阳公转时,地轴始终倾斜约二十三度半。北半球的夏天,北极朝向太阳一侧,太阳升得早、落得晚,直射点在赤道以北,所以白天长;冬天则正好相反。赤道附近一年四季昼夜几乎等长,越靠近两极,差别越明显,极圈以内还会出现极昼和极夜。

The old lighthouse had not been lit for eleven years when the harbour council decided to open it again. A carpenter from the village repaired the stairs, two students cleaned the lens, and on the first evening of October the beam swept over the bay once more. Fishermen who had sworn that they needed nothing but their instruments admitted that they had looked up. "It is a different thing," one of them said, "to be told where you are, and to see it."

下面是一次小组会议的记录。张工首先说明了进度:接口已经完成,压力测试还差两项。李姐提出,客户希望把上线时间提前到下周三,原因是他们的促销活动改了日期。大家讨论后认为,如果先上线基本功能,把报表推迟到第二期,时间是够的。会议决定由小陈在周五之前整理测试清单,李姐负责和客户确认范围,张工安排周末的值班表。

\`\`\`python
def moving_average(values, width):
    """Mean of each window of the given width; the result is shorter by width - 1."""
    if width < 1 or width > len(values):
        raise ValueError("width must lie between 1 and the number of values")
    total = sum(values[:width])
    result = [total / width]
    for index in range(width, len(values)):
        total += values[index] - values[index - width]
        result.append(total / width)
    return result
\`\`\`

Question: A train leaves at 9:40 and arrives at 13:05. It stops twice for ten minutes. How long does it move?
Answer: From 9:40 to 13:05 are three hours and twenty-five minutes. The two stops take twenty minutes together, so the train moves for three hours and five minutes.

红烧豆腐的做法很简单。先把豆腐切成两厘米见方的块,用淡盐水泡十分钟,这样不容易碎。锅里放少许油,中火把豆腐煎到两面金黄,盛出备用。再放葱姜蒜炒香,加一勺豆瓣酱、一勺生抽和半碗水,放回豆腐,小火煮五分钟,最后勾薄芡,撒上葱花就可以出锅了。

Dear Ms Alvarez, thank you for your letter of 14 March. We have checked the order and found that two of the six chairs were sent to our old warehouse by mistake. They will leave today and should reach you before the weekend. We are sorry for the delay and have taken the delivery charge off your bill. If anything else is missing, please write to us and mention the number at the top of this page.

请把下面的句子翻译成英文:这座桥建于明代,全长一百二十米,至今仍在使用。
This bridge was built in the Ming dynasty; it is one hundred and twenty metres long and still in use today.

{"name": "greenhouse-3", "sensors": [{"kind": "temperature", "unit": "C", "value": 21.4}, {"kind": "humidity", "unit": "%", "value": 63}], "valves": {"north": "open", "south": "closed"}, "updated": "08:15"}

经济学里的机会成本,是指为了得到一样东西而放弃的、其他选择中价值最高的那一个。比如一个人把周末用来加班,得到的是加班费,放弃的是陪家人、休息或者学习的时间;这些放弃的东西里他最看重的一项,就是加班的机会成本。做决定的时候只看花了多少钱是不够的,还要看同样的时间和钱原本可以换来什么。

A cell is the smallest unit of life. Plant cells have a rigid wall outside the membrane, while animal cells do not. In both, the nucleus keeps the genetic material, mitochondria release energy from sugar, and ribosomes build proteins. Because plants also contain chloroplasts, they can use sunlight to make sugar out of water and carbon dioxide; animals must eat what others have made.

function debounce(callback, delayMs) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => callback(...args), delayMs);
  };
}

用户:我想给父母买一部手机,主要用来视频通话和看新闻,有什么建议?
助手:可以从三个方面考虑。第一,屏幕要大,字体能调大,最好在六英寸半以上。第二,电池容量要大,支持快充,老人不必天天惦记着充电。第三,系统要简单,最好有简易模式和远程协助功能,这样出了问题您可以直接帮他们操作。价格在一千五到两千元之间的机型基本都能满足这些要求。

The committee compared three designs. The first was the cheapest but needed new parts every year. The second cost twice as much and would last for a decade. The third, a mixture of both, was easy to repair and used only materials that could be bought in the region, and so it was chosen although nobody had named it first.

小明有三十六颗糖,分给四个朋友,每人分到同样多,自己留下八颗。每个朋友分到几颗?先算分出去的糖:三十六减八等于二十八。再平均分给四个人:二十八除以四等于七。所以每个朋友分到七颗糖。
`;
