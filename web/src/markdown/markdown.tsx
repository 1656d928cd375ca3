/** An answer as formatted text. Nodes become React elements and nothing becomes HTML, so whatever a model writes is inert. */
import { memo, useRef } from 'react';
import { GrowingDocument } from './growing-document.ts';
import { type Block, definitionsOf, type Definitions } from './parse.ts';
import { RenderBlock } from './render.tsx';

export function Markdown({ text, isComplete }: { text: string; isComplete: boolean }) {
  const parser = useRef<GrowingDocument>(undefined);
  parser.current ??= new GrowingDocument();
  const blocks = parser.current.blocks(text, isComplete);
  // Links may be defined below their use, so only a complete answer knows them all.
  const definitions = useStable(definitionsOf(blocks));
  const levels = headingLevels(blocks);
  return (
    <div className="markdown" dir="auto">
      {blocks.map((block, index) => (
        <MemoBlock key={index} block={block} definitions={definitions} headingLevel={levels[index] ?? 2} />
      ))}
    </div>
  );
}

type MemoProps = { block: Block; definitions: Definitions; headingLevel: number };

/** A block that did not change is not drawn again: its object is the same. */
const MemoBlock = memo(function MemoBlock({ block, definitions, headingLevel }: MemoProps) {
  return <RenderBlock node={block} definitions={definitions} headingLevel={headingLevel} />;
});

function useStable(definitions: Definitions): Definitions {
  const last = useRef(definitions);
  const isSame =
    last.current.size === definitions.size && [...definitions].every(([key, url]) => last.current.get(key) === url);
  if (!isSame) last.current = definitions;
  return last.current;
}

/** A model may begin with any level and leave some out; an outline goes down one step at a time. */
function headingLevels(blocks: readonly Block[]): number[] {
  let last = 1;
  return blocks.map((block) => {
    if (block.type !== 'heading') return 2;
    last = Math.min(block.depth + 1, last + 1);
    return last;
  });
}
