// What the search shows first: what has the word in its title, and then the names in the code.
// Of titles, those of pages for users come before those of decisions and of phoenix.js's cases.
// The numbers are those of Sphinx's own searchtools.js.
var Scorer = {
  score: (result) => {
    const [page, , , , score, , kind] = result;
    // Sphinx 8.0 has no kinds: its order is its own.
    if (typeof SearchResultKind === "undefined") return score;
    const isTitle = [SearchResultKind.title, SearchResultKind.index].includes(kind);
    const isBehind = /^(decisions|phoenixjs)\//.test(page);
    return score + (isTitle ? (isBehind ? 5 : 30) : 0);
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
