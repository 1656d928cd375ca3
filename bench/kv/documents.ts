/** Long texts with things to find in them, the same for the same number. */

export type FoundTask = 'needle' | 'multi-key' | 'question';
export type Question = {
  task: FoundTask;
  text: string;
  /** What a right answer holds, in lower case. */
  expected: string[];
};
export type LongDocument = { text: string; questions: Question[] };

const cities = [
  'Lisbon',
  'Oslo',
  'Quito',
  'Hanoi',
  'Perth',
  'Turin',
  'Kyoto',
  'Dakar',
  'Lima',
  'Riga',
  'Porto',
  'Bergen',
];
const people = ['Anna Berg', 'Tomas Ruiz', 'Wei Zhang', 'Olga Petrova', 'Samuel Okoro', 'John Carter', 'Kenji Mori'];
const goods = [
  'apples',
  'timber',
  'bicycles',
  'ceramic tiles',
  'coffee',
  'wool',
  'glass bottles',
  'olive oil',
  'paper',
];
/** Asked for with each other as distractors. */
const places = ['harbour', 'museum', 'hospital', 'airport'] as const;

type Filling = {
  city: string;
  person: string;
  other: string;
  goods: string;
  year: number;
  count: number;
  hour: number;
};
const sentences: ((filling: Filling) => string)[] = [
  ({ city, hour, goods: sold }) =>
    `The market of ${city} opens at ${hour} in the morning, and most traders there sell ${sold}.`,
  ({ person, city, year, goods: sold }) =>
    `${person} moved to ${city} in ${year} and worked for a firm that traded in ${sold}.`,
  ({ city, year, count }) =>
    `In the spring of ${year} the river near ${city} rose by ${count} centimetres within two days.`,
  ({ city, count }) => `A ferry leaves ${city} every ${count} minutes, but in winter the timetable is thinner.`,
  () => 'Most houses in the old quarter have thick walls, which keep the rooms cool through the long summer.',
  ({ goods: sold, count }) =>
    `The library bought ${count} books about the history of ${sold} and put them on the second floor.`,
  ({ person }) => `${person} wrote that nothing is as patient as a gardener who waits for rain.`,
  ({ count }) => `Engineers tested the bridge for ${count} hours and found that it moved less than they had feared.`,
  ({ city, goods: sold }) =>
    `Children from ${city} collected ${sold} for the festival, which begins when the first lamp is lit.`,
  () => 'Nobody remembers who planted the row of lime trees that leads from the station to the square.',
  ({ year, goods: sold, count }) =>
    `A report of ${year} says that the price of ${sold} fell by ${count} percent after the harvest.`,
  () => 'When the wind turns to the north, fishermen stay in the harbour inn and mend their nets.',
  ({ person, other, city, goods: sold }) =>
    `${person} and ${other} met at a conference in ${city} and talked about ${sold} until midnight.`,
  ({ count }) => `The school has ${count} pupils, a small orchard and a workshop where they repair old radios.`,
  ({ count }) => `Snow fell early that year, and the road over the pass was closed for ${count} days.`,
  () => 'Visitors like the quiet streets, the bakery at the corner and the view from the tower.',
];

const facts = [
  {
    text: 'Maria Silva, who repairs clocks, keeps a grey parrot called Figaro.',
    question: 'What is the parrot of Maria Silva called?',
    expected: 'figaro',
  },
  {
    text: 'The old mill burned down because a lamp fell into the straw.',
    question: 'What fell into the straw so that the old mill burned down?',
    expected: 'lamp',
  },
  {
    text: 'Doctor Hale sails every Sunday in a red boat named Petrel.',
    question: "What is the name of Doctor Hale's boat?",
    expected: 'petrel',
  },
  {
    text: 'The baker of the village has learned his trade in Vienna.',
    question: 'In which city has the baker of the village learned his trade?',
    expected: 'vienna',
  },
  {
    text: 'For her seventieth birthday Ines Duarte was given a telescope.',
    question: 'What was Ines Duarte given for her seventieth birthday?',
    expected: 'telescope',
  },
  {
    text: 'The bell of the town hall was cast from melted cannons.',
    question: 'What was the bell of the town hall cast from?',
    expected: 'cannon',
  },
] as const;

/** @param sentenceCount of filling; about 19 tokens each */
export function longDocument(serial: number, sentenceCount: number): LongDocument {
  const random = generator(serial + 1);
  const pick = <Item>(list: readonly Item[]): Item => list[Math.floor(random() * list.length)] as Item;
  const number = (from: number, to: number) => from + Math.floor(random() * (to - from));
  const lines = Array.from({ length: sentenceCount }, () =>
    pick(sentences)({
      city: pick(cities),
      person: pick(people),
      other: pick(people),
      goods: pick(goods),
      year: number(1900, 2020),
      count: number(5, 95),
      hour: number(5, 11),
    }),
  );
  const codes = places.map(() => String(number(10_000, 100_000)));
  // Needles at four depths, facts between them, all a little elsewhere in each document.
  for (const [index, place] of places.entries()) {
    lines.splice(
      Math.floor((0.08 + 0.25 * index + 0.08 * random()) * lines.length),
      0,
      `The access code of the ${place} is ${codes[index]}.`,
    );
  }
  const told = [facts[serial % facts.length], facts[(serial + 1) % facts.length]] as (typeof facts)[number][];
  for (const [index, fact] of told.entries()) {
    lines.splice(Math.floor((0.2 + 0.5 * index + 0.1 * random()) * lines.length), 0, fact.text);
  }
  const [first, second] = serial % 2 === 0 ? ([0, 2] as const) : ([1, 3] as const);
  return {
    text: lines.join(' '),
    questions: [
      ...places.map((place, index) => ({
        task: 'needle' as const,
        text: `What is the access code of the ${place}? Answer with the code only.`,
        expected: [codes[index] as string],
      })),
      {
        task: 'multi-key',
        text: `What are the access codes of the ${places[first]} and of the ${places[second]}? Answer with the two codes only.`,
        expected: [codes[first] as string, codes[second] as string],
      },
      ...told.map(({ question, expected }) => ({
        task: 'question' as const,
        text: `${question} Answer in one short sentence.`,
        expected: [expected],
      })),
    ],
  };
}

/** Share of what a right answer holds. */
export function scoreOf(answer: string, { expected }: Question): number {
  const lower = answer.toLowerCase();
  return expected.filter((each) => lower.includes(each)).length / expected.length;
}

/** mulberry32: small, and the same everywhere. */
function generator(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b9) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
