"""The search lists first the page that a reader means, in Chromium and without a network."""

import pytest
import yaml

from tests.support import ROOT, SITE

KEYWORDS = yaml.safe_load((ROOT / "book" / "keywords.yml").read_text("utf8"))
PAIRS = [(phrase, page) for page, phrases in KEYWORDS.items() for phrase in phrases]
# As readers type, in words that are not those of keywords.yml.
QUERIES = {
    "how fast is variety lost": "book/expected_collision",
    "why is collapse certain": "book/absorption",
    "how long until collapse": "book/collapse_time",
    "keeping real data": "book/model_variation",
    "how much synthetic data is too much": "book/how_much_synthetic",
    "accumulate the data": "book/other_mixtures",
    "the temperature of sampling": "book/choosing_what_to_keep",
    "do filters help": "book/choosing_what_to_keep",
    "bias in every generation": "book/repeated_bias",
    "larger model sizes": "book/limited_models",
    "gaussian models": "book/every_family",
    "gpt-2": "book/gpt2_experiment",
    "are rare tokens lost": "book/recursive_training",
    "markov chains": "book/absorption",
    "lectures": "book/teaching",
}


@pytest.fixture(params=["http", "file"])
def base(request):
    return request.getfixturevalue("served") if request.param == "http" else SITE.as_uri()


@pytest.fixture(scope="module")
def searching(browser, served):
    """The search's page, with the index loaded."""
    page = browser.new_page()
    page.goto(f"{served}/search.html?q=variety")
    page.wait_for_function("Search.hasIndex()")
    yield page
    page.close()


@pytest.fixture
def found(searching):
    """Return the pages that are found for a query, best first, without listing them."""
    return lambda query: searching.evaluate(
        """query => {
            history.replaceState(null, "", `?q=${encodeURIComponent(query)}`);
            const results = Search._performSearch(...Search._parseQuery(query));
            return results.reverse().map(([page]) => page);
        }""",
        query,
    )


def test_what_is_found_is_listed_in_that_order(faults, base, found):
    page = faults.open(f"{base}/search.html?q=collision+probability")
    links = page.locator("#search-results ul.search > li > a")
    page.wait_for_selector(".search-summary:has-text('found')")  # the list is complete
    addresses = links.evaluate_all("links => links.map(link => link.getAttribute('href'))")
    listed = [address.split("?")[0].split("#")[0].removesuffix(".html") for address in addresses]
    assert listed[0] == "book/expected_collision"
    expected = found("collision probability")
    assert listed[:5] == expected[:5]
    assert faults.found == []


@pytest.mark.parametrize(("query", "page"), QUERIES.items())
def test_what_readers_type_finds_the_chapter_first(found, query, page):
    assert found(query)[0] == page


@pytest.mark.parametrize(("phrase", "page"), PAIRS)
def test_a_keyword_finds_its_page_first(found, phrase, page):
    assert found(phrase)[0] == page


def test_names_of_the_library_lead_to_its_pages(found):
    assert found("collapse_time_cdf")[0] == "book/api/laws"
    assert found("PartiallySynthetic")[0] == "book/api/data"
