import type { ListedModel } from '../core/inference.ts';

/** One model in OpenAI's form, with what it can do beside it. */
export function modelBody(model: ListedModel): object {
  const { capabilities } = model;
  const { weights } = capabilities;
  return {
    id: model.id,
    object: 'model',
    created: model.created,
    owned_by: model.ownedBy,
    aliases: model.aliases,
    context_tokens: capabilities.contextTokens,
    modalities: capabilities.modalities,
    capabilities: {
      tools: capabilities.tools,
      reasoning: capabilities.reasoning,
      embeddings: capabilities.embeddings,
    },
    ...(weights === undefined
      ? {}
      : {
          weights: {
            files: weights.files.map(({ name, sizeBytes }) => ({ name, size_bytes: sizeBytes })),
            ...(weights.loadMs === undefined ? {} : { load_ms: weights.loadMs }),
          },
        }),
  };
}

export function modelListBody(models: ListedModel[]): object {
  return { object: 'list', data: models.map(modelBody) };
}
