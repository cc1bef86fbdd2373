import type { CatalogueModel } from './catalogue-model.ts';
import type { RequestNeeds } from './completion.ts';

/** Whether a model can do what a request needs, as far as the list tells; one that nobody lists may. */
export function isCapable(model: CatalogueModel | null, needs: RequestNeeds | undefined): boolean {
  if (model === null || needs === undefined) return true;
  const { inputModalities, supportedParameters } = model;
  return (
    needs.inputs.every((input) => inputModalities.includes(input)) &&
    (!needs.tools || supportedParameters.includes('tools')) &&
    (!needs.jsonSchema || supportedParameters.includes('structured_outputs'))
  );
}
