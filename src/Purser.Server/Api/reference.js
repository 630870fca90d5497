// Reads /openapi.json, shows it, and sends requests with the key typed above. No library, no inline script, nothing kept.
const $ = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// What stands between backticks in the document's prose is code.
const prose = (text) => (text ?? '').split('`').map((part, place) => (place % 2 ? make('code', {}, part) : part));

const pretty = (value) => JSON.stringify(value, null, 2);

function resolve(api, schema) {
  return schema?.$ref ? api.components.schemas[schema.$ref.split('/').pop()] : schema;
}

function typeOf(schema) {
  if (!schema) return '';
  if (schema.$ref) return schema.$ref.split('/').pop();
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ');
  const types = [schema.type].flat().filter(Boolean);
  return types.map((type) => (type === 'array' ? `list of ${typeOf(schema.items)}` : type)).join(' or ');
}

function fields(api, schema, seen = []) {
  const found = resolve(api, schema);
  if (!found?.properties) return null;
  const rows = Object.entries(found.properties).map(([name, property]) => {
    const inner = [property, property.items, ...(property.anyOf ?? []), ...[property.items?.anyOf ?? []].flat()].find((s) => s?.$ref);
    const nested = inner && !seen.includes(inner.$ref) ? fields(api, inner, [...seen, inner.$ref]) : null;
    return make('tr', {}, make('td', {}, make('code', {}, name)), make('td', { class: 'soft' }, typeOf(property)),
      make('td', {}, ...prose(property.description), nested && make('details', {}, make('summary', {}, 'its fields'), nested)));
  });
  return make('table', {}, make('tbody', {}, ...rows));
}

// What the address and the headers take; the fields to try them stand below.
function parameters(operation) {
  const row = (parameter) => make('tr', {}, make('td', {}, make('code', {}, parameter.name)),
    make('td', { class: 'soft' }, `${parameter.in}${parameter.required ? ', needed' : ''}${parameter.schema?.format ? `, ${parameter.schema.format}` : parameter.schema?.type && parameter.schema.type !== 'string' ? `, ${parameter.schema.type}` : ''}`),
    make('td', {}, ...prose(parameter.description)));
  return make('table', { class: 'parameters' }, make('tbody', {}, ...operation.parameters.map(row)));
}

function tryIt(path, method, operation) {
  const inputs = [];
  const place = (parameter) => {
    const input = make('input', { 'aria-label': parameter.name, placeholder: parameter.example ?? parameter.schema?.format ?? parameter.schema?.type ?? '' });
    inputs.push([parameter, input]);
    return make('tr', {}, make('td', {}, make('code', {}, parameter.name)), make('td', { class: 'soft' }, parameter.in), make('td', {}, input, ' ',
      make('span', { class: 'soft' }, ...prose(parameter.description))));
  };
  const table = operation.parameters?.length ? make('table', {}, make('tbody', {}, ...operation.parameters.map(place))) : null;

  const media = operation.requestBody?.content['application/json'];
  const body = media && make('textarea', { 'aria-label': 'Body', spellcheck: 'false' });
  let choice = null;
  if (media) {
    const examples = Object.entries(media.examples ?? {});
    body.value = pretty(examples[0]?.[1].value ?? {});
    choice = make('select', { 'aria-label': 'Example', onchange: () => { body.value = pretty(media.examples[choice.value].value); } },
      ...examples.map(([name]) => make('option', { value: name }, name)));
  }
  const output = make('pre', { hidden: '', tabindex: '0', 'aria-live': 'polite' });

  async function send() {
    let target = path;
    const query = new URLSearchParams();
    const headers = {};
    for (const [parameter, input] of inputs) {
      const value = input.value.trim();
      if (parameter.in === 'path') target = target.replace(`{${parameter.name}}`, encodeURIComponent(value));
      else if (value && parameter.in === 'query') query.set(parameter.name, value);
      else if (value && parameter.in === 'header') headers[parameter.name] = value;
    }
    if ($('key').value) headers.Authorization = `Bearer ${$('key').value.trim()}`;
    if ($('token').value) headers['Purser-Token'] = $('token').value.trim();
    if (body) headers['Content-Type'] = 'application/json';
    output.hidden = false;
    output.textContent = '…';
    try {
      const answer = await fetch(target + (query.size ? `?${query}` : ''), { method, headers, body: body?.value, credentials: 'omit' });
      const text = await answer.text();
      let shown = text;
      try { shown = pretty(JSON.parse(text)); } catch { /* Not JSON: shown as it came. */ }
      output.textContent = `${answer.status} ${answer.statusText}\n${answer.headers.get('Location') ? `Location: ${answer.headers.get('Location')}\n` : ''}\n${shown}`;
    } catch (failure) {
      output.textContent = `No answer: ${failure.message}`;
    }
  }

  return make('details', {}, make('summary', {}, 'Try it'), table, choice, body, make('p', {}, make('button', { type: 'button', onclick: send }, 'Send')), output);
}

function show(api, path, method, operation) {
  const section = make('section', { id: operation.operationId },
    make('h3', {}, operation.summary),
    make('div', { class: 'route' }, make('span', { class: 'method' }, method.toUpperCase()), ' ', path),
    operation.description ? make('p', {}, ...prose(operation.description)) : null,
    make('p', { class: 'soft' }, `Needs: ${operation.security.map((scheme) => ({ secretKey: 'a secret key', publishableKey: 'a publishable key', token: "the order's token" })[Object.keys(scheme)[0]]).join(', or ')}`));
  if (operation.parameters?.some((parameter) => parameter.in === 'query')) section.append(make('h4', {}, 'Query'), parameters({ parameters: operation.parameters.filter((parameter) => parameter.in === 'query') }));
  const media = operation.requestBody?.content['application/json'];
  if (media) section.append(make('details', {}, make('summary', {}, 'Fields of the request'), fields(api, media.schema)));
  for (const [status, answer] of Object.entries(operation.responses)) {
    const content = Object.values(answer.content ?? {})[0];
    const example = content?.example ?? Object.values(content?.examples ?? {})[0]?.value;
    section.append(make('details', {}, make('summary', {}, `${status} `, make('span', { class: 'soft' }, ...prose(answer.description))),
      example && make('pre', { tabindex: '0' }, pretty(example)), status < '300' && content ? make('details', {}, make('summary', {}, 'Fields of the answer'), fields(api, content.schema)) : null));
  }
  section.append(tryIt(path, method, operation));
  return section;
}

const api = await (await fetch('/openapi.json')).json();
const main = $('operations');
const contents = $('contents');
main.replaceChildren(make('p', {}, ...prose(api.info.description)));
for (const tag of api.tags) {
  const operations = Object.entries(api.paths).flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => [path, method, operation]))
    .filter(([, , operation]) => operation.tags.includes(tag.name));
  contents.append(make('h2', {}, tag.name), ...operations.map(([, , operation]) => make('a', { href: `#${operation.operationId}` }, operation.summary)));
  main.append(make('h2', {}, tag.name), ...operations.map(([path, method, operation]) => show(api, path, method, operation)));
}
