"""The search lists the page first that a reader means, in Chromium and without a network."""

from urllib.parse import quote_plus

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
    "lower temperature": "book/choosing_what_to_keep",
    "do filters help": "book/choosing_what_to_keep",
    "biased models": "book/repeated_bias",
    "larger model sizes": "book/limited_models",
    "gaussian models": "book/every_family",
    "gpt-2": "book/gpt2_experiment",
    "rare words vanish": "book/recursive_training",
    "markov chains": "book/absorption",
    "lectures": "book/teaching",
}


@pytest.fixture(scope="module")
def found(browser):
    """Give the pages that are listed for a query, best first."""
    page = browser.new_page()

    def search(query):
        page.goto(f"{(SITE / 'search.html').as_uri()}?q={quote_plus(query)}")
        page.wait_for_selector("#search-results ul.search > li > a")
        page.wait_for_function("!document.querySelector('.search-summary').innerText.match(/…/)")
        page.wait_for_function("Search._pulse_status === -1")  # the list is complete
        links = page.locator("#search-results ul.search > li > a")
        addresses = links.evaluate_all("links => links.map(link => link.getAttribute('href'))")
        return [address.split("?")[0].split("#")[0].removesuffix(".html") for address in addresses]

    yield search
    page.close()


@pytest.mark.parametrize(("query", "page"), QUERIES.items())
def test_what_readers_type_finds_the_chapter_first(found, query, page):
    assert found(query)[0] == page


@pytest.mark.parametrize(("phrase", "page"), PAIRS)
def test_a_keyword_finds_its_page_first(found, phrase, page):
    assert found(phrase)[0] == page


def test_names_of_the_library_lead_to_its_pages(found):
    assert found("collapse_time_cdf")[0] == "book/api/laws"
    assert found("PartiallySynthetic")[0] == "book/api/data"
