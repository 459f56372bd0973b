"""A page that a reader prints from the browser: nothing stays folded that paper cannot unfold."""

import io

from pypdf import PdfReader

# How the text of each part begins, up to its first formula or link.
BEGINNINGS = "all => all.map(part => part.firstChild.textContent.trim())"


def test_proofs_and_solutions_are_printed_and_fold_again(browser, served):
    page = browser.new_page()
    page.goto(f"{served}/book/absorption.html")
    page.wait_for_load_state("networkidle")
    proofs = page.locator("article details:not(.hide)")
    assert proofs.count() > 1
    assert proofs.evaluate_all("all => all.every(proof => !proof.open)")
    assert page.locator(".solution.toggle-hidden").count() > 1

    texts = page.locator("details .sd-card-body > p:first-child").evaluate_all(BEGINNINGS)
    texts += page.locator(".solution section > p").evaluate_all(BEGINNINGS)
    texts = [text for text in texts if len(text) > 8]
    assert len(texts) > 4
    pdf = PdfReader(io.BytesIO(page.pdf()))
    printed = " ".join(" ".join(part.extract_text() for part in pdf.pages).split())
    for text in texts:
        assert " ".join(text.split()) in printed

    assert proofs.evaluate_all("all => all.every(proof => !proof.open)")
    assert page.locator(".solution.toggle-hidden").count() > 1
    page.close()
