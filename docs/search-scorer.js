// What the search shows first: what has the word in its title, and then the names in the code.
// The numbers are those of Sphinx's own searchtools.js.
var Scorer = {
  score: (result) => {
    const [, , , , score, , kind] = result;
    // Sphinx 8.0 has no kinds: its order is its own.
    if (typeof SearchResultKind === "undefined") return score;
    const isTitle = [SearchResultKind.title, SearchResultKind.index].includes(kind);
    return score + (isTitle ? 30 : 0);
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
