/** What the importance of weights is taken from. Other sentences than the evaluation text, of the same kinds. */
export const calibrationText = `How do tides work? The moon pulls on the water of the oceans a little more strongly on the side that faces it, and a little less on the far side. Two bulges form, and as the earth turns beneath them most coasts see two high tides and two low tides a day. When sun and moon stand in one line, their effects add up and the tide is especially high.

春天来了,院子里的桃树开了花。奶奶搬出小凳子,坐在树下择菜,一边择一边给我们讲她小时候的事。那时候村里只有一口井,挑一担水要走半里路,谁家来了客人,就会先烧一壶热水。我们听得入了神,连锅里的粥溢出来都没有发现。

问:什么是光合作用?
答:光合作用是绿色植物利用叶绿素吸收光能,把二氧化碳和水合成有机物并放出氧气的过程。它为地球上绝大多数生物提供食物和氧气,也是大气中碳循环的重要环节。

import json
from pathlib import Path

def load_settings(path):
    text = Path(path).read_text(encoding="utf-8")
    settings = json.loads(text)
    for key in ("host", "port"):
        if key not in settings:
            raise KeyError(f"{key} is missing in {path}")
    return settings

class Counter:
    def __init__(self):
        self.counts = {}

    def add(self, word):
        self.counts[word] = self.counts.get(word, 0) + 1

User: Can you help me plan a weekend in a small town by the sea?
Assistant: Of course. On Saturday morning walk along the harbour and buy fresh bread at the market. Take the ferry to the island at noon; the path around it takes two hours. In the evening there is usually music in the square. On Sunday visit the museum of boats, have lunch in the old mill, and leave enough time for the train at five.

会议纪要:本次会议讨论了新版应用的发布计划。产品部门希望增加夜间模式,设计部门已经给出了两套方案。测试部门反馈,登录页面在弱网环境下偶尔会卡住,需要在发布前修复。最后决定:一、夜间模式采用第二套方案;二、登录问题由后端小组在三天内解决;三、发布日期定在本月二十八日。

SELECT department, COUNT(*) AS people, AVG(salary) AS average_salary
FROM employees
WHERE hired_at >= '2020-01-01'
GROUP BY department
HAVING COUNT(*) > 5
ORDER BY average_salary DESC;

The weather report for the coast: strong wind from the west in the morning, easing by noon, with showers over the hills. Temperatures between nine and fourteen degrees. Tomorrow will be drier but colder, and on Thursday night there may be frost in the valleys.

一个长方形的长是十二厘米,宽是五厘米,它的面积是多少?周长是多少?面积等于长乘以宽,也就是十二乘以五,等于六十平方厘米。周长等于长加宽的和乘以二,也就是十七乘以二,等于三十四厘米。

Translate into Chinese: The library opens at nine and closes at six, except on Mondays.
图书馆九点开门,六点关门,周一除外。

请用三句话总结下面的内容。城市里的共享单车解决了从地铁站到家的最后一公里问题,但是乱停乱放也给行人带来了不便。一些城市划定了停车区,用定位技术要求用户把车停在指定的地方,否则不能结束计费。实施半年以后,人行道上的乱停现象减少了一半以上,用户的投诉也明显下降。
总结:共享单车方便了短途出行,但乱停影响行人。城市用停车区和定位要求用户规范停车。半年后乱停减少一半以上,投诉也减少了。

<table>
  <tr><th>Item</th><th>Price</th></tr>
  <tr><td>Notebook</td><td>4.50</td></tr>
  <tr><td>Pencil</td><td>0.80</td></tr>
</table>

In 1869 a chemist arranged the known elements by weight and noticed that their properties came back at regular distances. Where nothing fitted he left a gap and predicted what would be found there. Three of the missing elements were discovered within twenty years, and they behaved almost exactly as he had said.

const total = items
  .filter((item) => item.available)
  .map((item) => item.price * item.quantity)
  .reduce((sum, value) => sum + value, 0);
console.log(\`total: \${total.toFixed(2)}\`);

牛顿第二定律说明,物体的加速度与所受的合力成正比,与质量成反比,方向与合力相同。用公式表示就是合力等于质量乘以加速度。推同样的力,空车比装满货的车加速快,就是这个道理。

Step by step: first find out how many boxes fit on one shelf, then multiply by the number of shelves. Each shelf holds 14 boxes and there are 9 shelves, so 126 boxes fit. Since 150 boxes were delivered, 24 must be stored elsewhere.

尊敬的客户,您好!感谢您选择我们的产品。您反映的充电问题我们已经收到,建议您先更换一根数据线并清洁接口。如果问题依然存在,请携带发票到就近的服务中心检测,保修期内的维修是免费的。祝您生活愉快!

The function returns early when the list is empty, because the mean of nothing is not a number. Otherwise it sorts a copy, so that the caller's list stays as it was, and takes the middle value, or the mean of the two in the middle when their count is even.
`;
