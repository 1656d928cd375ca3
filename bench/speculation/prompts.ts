/** What the drafts are measured on: two tasks whose answers repeat their prompt, and one whose answer does not. */

const minutes = `Minutes of the building committee, 4 March

Present: Anna Berg, Tom Okafor, Li Wei, Sara Lind. Apologies: none.

1. Roof. Tom Okafor reported that the repair of the north roof is finished and that the invoice of 18,400 euros is within the budget. The
contractor asked for an extension of the guarantee to ten years; the committee agreed. Anna Berg will send the signed form by 12 March.
2. Heating. Li Wei presented two offers for the new heat pump: 42,000 euros from Nordwarm with delivery in June, and 39,500 euros from
Caldera with delivery in September. The committee prefers Nordwarm because of the earlier delivery. Li Wei will ask for a discount by 20 March.
3. Garden. Sara Lind proposed to plant six apple trees along the south wall. Cost: 540 euros. Accepted with one abstention. Planting day is 28 March.
4. Noise. Two residents complained about noise from the workshop after ten in the evening. Anna Berg will talk to the tenant this week.

Next meeting: 8 April, 18:30, in the library.`;

const code = `import json
from pathlib import Path


class Inventory:
    """Items of a small shop, kept in a JSON file."""

    def __init__(self, path):
        self.path = Path(path)
        self.items = {}
        if self.path.exists():
            self.items = json.loads(self.path.read_text())

    def add(self, name, count, price):
        if name in self.items:
            self.items[name]["count"] += count
        else:
            self.items[name] = {"count": count, "price": price}
        self.save()

    def remove(self, name, count):
        if name not in self.items:
            raise KeyError(name)
        self.items[name]["count"] -= count
        if self.items[name]["count"] <= 0:
            del self.items[name]
        self.save()

    def total_value(self):
        return sum(item["count"] * item["price"] for item in self.items.values())

    def save(self):
        self.path.write_text(json.dumps(self.items))
`;

export const prompts = [
  {
    name: 'summary of minutes',
    text: `${minutes}\n\nSummarise these minutes as a list: for each point the decision, the amount, who does what and by when.`,
    maxTokens: 220,
  },
  {
    name: 'code editing',
    text: `\`\`\`python\n${code}\`\`\`\n\nRename the method \`remove\` to \`take\` and the attribute \`items\` to \`stock\`. Answer with the whole file and nothing else.`,
    maxTokens: 330,
  },
  {
    name: 'free text',
    text: 'Tell a short story about a lighthouse keeper who finds a letter in a bottle.',
    maxTokens: 200,
  },
] as const;
