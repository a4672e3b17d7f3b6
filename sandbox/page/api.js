// The sandbox's control API. Failures are ApiErrors whose message is for the reader.

export class ApiError extends Error {
  /** `refused`: what was asked for was wrong, as opposed to what came of it. */
  constructor(text, refused) {
    super(text);
    this.refused = refused;
  }
}

const get = (path) => call("GET", path);
const post = (path, body) => call("POST", path, body);

export const state = () => get("/api/state");
export const interact = (body) => post("/api/interactions", body);
export const interaction = (id) => get(`/api/interactions/${id}`);
export const autocomplete = (body) => post("/api/autocomplete", body);
export const say = (body) => post("/api/messages", body);
export const fault = (body) => post("/api/faults", body);

export async function messages(channel, actor) {
  const query = new URLSearchParams({ channel, as: actor });
  return (await get(`/api/messages?${query}`)).messages;
}

async function call(method, path, body) {
  const request = { method, headers: {} };
  if (body !== undefined) {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, request);
  } catch {
    throw new ApiError("The sandbox cannot be reached.", true);
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(reason(answer, response), response.status < 500);
  return answer;
}

function reason(answer, response) {
  const said = answer.error;
  return said ?? `The sandbox answered ${response.status}.`;
}
