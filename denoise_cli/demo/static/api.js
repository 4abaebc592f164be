// The server's answers; its refusals become errors whose message is a sentence.

export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The program does not answer; it may have been ended.");
  }
  const told = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.error || `The program answered ${answer.status}.`);
  return told;
}

export function show(element, problem) {
  element.textContent = problem ? problem.message : "";
  element.hidden = !problem;
}
