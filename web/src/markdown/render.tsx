import { Fragment, type ReactNode } from 'react';
import { CodeBlock } from './code-block.tsx';
import { Formula } from './formula.tsx';
import { isPrice, type Definitions, type Nodes, type Parents } from './parse.ts';
import { PictureLink } from './picture-link.tsx';
import { safeLink } from './safe-link.ts';

/** Deeper nesting is shown as text: no honest answer needs it, and a hostile one would exhaust the stack. */
const deepest = 24;

/** Of the page's outline, whose first level is the page's name. */
const levels = ['h2', 'h3', 'h4', 'h5', 'h6'] as const;

type Context = { definitions: Definitions; depth: number; headingLevel: number };
type BlockProps = { node: Nodes; definitions: Definitions; headingLevel: number };

export function RenderBlock({ node, definitions, headingLevel }: BlockProps) {
  return render(node, { definitions, headingLevel, depth: 0 });
}

const deeper = (context: Context): Context => ({ ...context, depth: context.depth + 1 });

function children(node: Parents, context: Context): ReactNode {
  if (context.depth >= deepest) return plainText(node);
  return node.children.map((child, index) => {
    const after = node.children[index + 1];
    return <Fragmented key={index} node={child} after={after} context={deeper(context)} />;
  });
}

function Fragmented({ node, after, context }: { node: Nodes; after: Nodes | undefined; context: Context }) {
  if (node.type === 'inlineMath') {
    const next = after?.type === 'text' ? after.value : '';
    if (isPrice(node.value, next)) return `$${node.value}$`;
  }
  return render(node, context);
}

function render(node: Nodes, context: Context): ReactNode {
  switch (node.type) {
    case 'root':
      return children(node, context);
    case 'paragraph':
      return <p>{children(node, context)}</p>;
    case 'heading': {
      // Only the answer's own headings take part in the page's outline; one inside a quotation does not.
      const Level = context.depth === 0 ? (levels[context.headingLevel - 2] ?? 'h6') : 'div';
      return <Level className={`heading level-${node.depth}`}>{children(node, context)}</Level>;
    }
    case 'text':
      return node.value;
    case 'html':
      // The one tag that models write inside tables, where Markdown has no other way to say it.
      if (/^<br\s*\/?>$/i.test(node.value)) return <br />;
      return <span className="as-written">{node.value}</span>;
    case 'emphasis':
      return <em>{children(node, context)}</em>;
    case 'strong':
      return <strong>{children(node, context)}</strong>;
    case 'delete':
      return <del>{children(node, context)}</del>;
    case 'inlineCode':
      return <code>{node.value}</code>;
    case 'code':
      return <CodeBlock code={node.value} language={node.lang ?? ''} />;
    case 'math':
      return <Formula source={node.value} isBlock />;
    case 'inlineMath':
      return <Formula source={node.value} isBlock={false} />;
    case 'blockquote':
      return <blockquote>{children(node, context)}</blockquote>;
    case 'list':
      return node.ordered === true ? (
        <ol start={node.start ?? 1}>{children(node, context)}</ol>
      ) : (
        <ul>{children(node, context)}</ul>
      );
    case 'listItem':
      return (
        <li className={typeof node.checked === 'boolean' ? 'task' : undefined}>
          {typeof node.checked === 'boolean' && <span aria-hidden="true">{node.checked ? '☑' : '☐'} </span>}
          {/* A tight item is a line of its list, not a paragraph. */}
          {node.spread === true
            ? children(node, context)
            : node.children.map((child, index) => (
                <Fragment key={index}>
                  {child.type === 'paragraph' ? children(child, context) : render(child, deeper(context))}
                </Fragment>
              ))}
        </li>
      );
    case 'table': {
      const [head, ...rows] = node.children;
      const cell = (index: number) => node.align?.[index] ?? undefined;
      return (
        <div className="table" role="region" tabIndex={0} aria-label="table">
          <table>
            <thead>
              <tr>
                {head?.children.map((each, index) => (
                  <th key={index} className={cell(index)}>
                    {children(each, context)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row, position) => (
                <tr key={position}>
                  {row.children.map((each, index) => (
                    <td key={index} className={cell(index)}>
                      {children(each, context)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      );
    }
    case 'link':
      return <Link url={node.url}>{children(node, context)}</Link>;
    case 'linkReference': {
      const url = context.definitions.get(node.identifier);
      if (url === undefined) return <>[{children(node, context)}]</>;
      return <Link url={url}>{children(node, context)}</Link>;
    }
    case 'image':
      return <PictureLink url={node.url} description={node.alt ?? ''} />;
    case 'imageReference':
      return <PictureLink url={context.definitions.get(node.identifier) ?? ''} description={node.alt ?? ''} />;
    case 'break':
      return <br />;
    case 'thematicBreak':
      return <hr />;
    case 'footnoteReference':
      return <sup>[{node.label ?? node.identifier}]</sup>;
    case 'footnoteDefinition':
      return (
        <div className="footnote">
          <sup>[{node.label ?? node.identifier}]</sup> {children(node, context)}
        </div>
      );
    case 'definition':
    case 'yaml':
      return null;
    case 'tableRow':
    case 'tableCell':
      return children(node, context);
  }
}

function Link({ url, children: content }: { url: string; children: ReactNode }) {
  const target = safeLink(url);
  if (target === undefined) return <span className="dead-link">{content}</span>;
  return (
    <a href={target} target="_blank" rel="noopener noreferrer nofollow" title={target}>
      {content}
    </a>
  );
}

/** Without recursion: this is what is called where the nesting is too deep. */
function plainText(node: Nodes): string {
  const texts: string[] = [];
  const waiting: Nodes[] = [node];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if ('value' in next) texts.push(next.value);
    if ('children' in next) waiting.push(...[...next.children].reverse());
  }
  return texts.join('');
}
