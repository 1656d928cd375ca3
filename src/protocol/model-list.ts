import type { ListedModel } from '../core/inference.ts';

/** One model in OpenAI's form, with what it can do beside it. */
export function modelBody(model: ListedModel): object {
  const { capabilities } = model;
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
  };
}

export function modelListBody(models: ListedModel[]): object {
  return { object: 'list', data: models.map(modelBody) };
}
