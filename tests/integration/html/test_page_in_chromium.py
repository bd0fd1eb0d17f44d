"""The page in a real browser: what people see, point at and type."""

import json

import pytest
from sample_page import whole_page

from slimml.report.html.page import Page as PageParts
from slimml.report.html.page import html_page

SECTIONS = [
    "Before and after", "What is inside", "What could go", "Layers", "Ledger", "Pull and start",
    "Where a start spends its time", "Over time",
]  # fmt: skip
TOLD = "document.querySelector('.told .title').textContent"
CRUMBS = "document.querySelectorAll('.crumbs li').length"


def colors_of(tab, selector="canvas.map"):
    """How many colours a canvas shows, of every 97th dot."""
    return tab.run(f"""(() => {{
      const canvas = document.querySelector('{selector}');
      const dots = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
      const found = new Set();
      for (let i = 0; i < dots.length; i += 4 * 97) found.add(dots[i] << 16 | dots[i + 1] << 8 | dots[i + 2]);
      return found.size;
    }})()""")


def test_every_section_is_there_without_a_complaint_or_a_request(tab, whole):
    tab.open(whole)
    assert tab.run("[...document.querySelectorAll('main h2')].map((one) => one.textContent)") == SECTIONS
    assert (tab.complaints(), tab.requests()) == ([], [])


@pytest.mark.parametrize("selector", ["canvas.map", "canvas.icicle"])
def test_the_drawings_have_colours(tab, whole, selector):
    tab.open(whole)
    assert colors_of(tab, selector) > 5


def test_keys_lead_into_the_map_and_back(tab, whole):
    tab.open(whole)
    tab.run("document.querySelector('canvas.map').focus()")
    tab.press("ArrowRight")
    chosen = tab.run(TOLD)
    tab.press("Enter")
    assert chosen.startswith("layer ")
    assert (tab.run(TOLD), tab.run(CRUMBS)) == (chosen, 2)
    tab.press("Escape")
    assert tab.run(CRUMBS) == 1


def test_keys_reach_a_file_and_say_whose_it_is(tab, whole):
    tab.open(whole)
    tab.run("document.querySelector('canvas.map').focus()")
    for _ in range(12):
        tab.press("ArrowRight", "Enter")
        if "kind" in (words := tab.run("document.querySelector('.told').textContent")):
            break
    assert "owner" in words
    assert "layer" in words


def test_a_click_looks_closer_and_a_crumb_goes_back(tab, whole):
    tab.open(whole)
    x, y = tab.run("""(() => {
      const canvas = document.querySelector('canvas.map');
      canvas.scrollIntoView({ behavior: 'instant', block: 'center' });
      const box = canvas.getBoundingClientRect();
      return [box.left + 60, box.top + 60];
    })()""")
    tab.click(x, y)
    assert tab.run(CRUMBS) == 2
    tab.run("document.querySelector('.crumbs button').click()")
    assert tab.run(CRUMBS) == 1


def test_the_filter_counts_what_it_lets_through(tab, whole):
    tab.open(whole)
    count = "document.querySelector('output.count').textContent"
    found = tab.run(f"""new Promise((done) => {{
      const box = document.querySelector('#filter-words');
      box.value = 'site-packages .py';
      box.dispatchEvent(new Event('input'));
      const look = () => {count} ? done({count}) : requestAnimationFrame(look);
      look();
    }})""")
    assert found.split(" ")[1] == "files,"
    assert 0 < int(found.split(" ")[0].replace(",", "")) < 2_000


def test_a_finding_shows_its_files_in_the_map(tab, whole):
    tab.open(whole)
    tab.run("document.querySelector('.finding button.link').click()")
    assert tab.run("document.querySelector('.chip').textContent").startswith("only: ")
    assert tab.run("document.activeElement.className") == "map"


def test_the_ledger_turns_its_pages(tab, whole):
    tab.open(whole)
    count = "document.querySelector('#ledger .controls .faint').textContent"
    assert tab.run(count).startswith("1 to 25 of ")
    tab.run("[...document.querySelectorAll('#ledger button')].find((one) => one.textContent === 'Next').click()")
    assert tab.run(count).startswith("26 to ")


def test_keys_lead_through_the_icicle(tab, whole):
    tab.open(whole)
    told = "document.querySelector('.icicle-box .told').textContent"
    tab.run("document.querySelector('canvas.icicle').focus()")
    tab.press("ArrowDown")
    inner = tab.run(told)
    tab.press("Enter", "Escape")
    assert "of serve.py" in inner
    assert tab.run(told).startswith("serve.py")


def test_it_draws_anew_in_the_dark(tab, whole):
    dot = "Array.from(document.querySelector('canvas.map').getContext('2d').getImageData(1, 1, 1, 1).data).join()"
    tab.prefer(prefers_color_scheme="light")
    tab.open(whole)
    light = tab.run(dot)
    tab.prefer(prefers_color_scheme="dark")
    tab.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert tab.run(dot) != light


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_screen_is_too_narrow(tab, whole, width):
    tab.resize(width=width, height=700, mobile=width < 600)
    tab.open(whole)
    assert tab.run("document.documentElement.scrollWidth") <= width


def test_the_drawing_follows_the_size_of_the_window(tab, whole):
    tab.resize(width=1280, height=900)
    tab.open(whole)
    tab.resize(width=1000, height=500)
    assert tab.run("""new Promise((done) => {
      const canvas = document.querySelector('canvas.map');
      const look = () => {
        const box = canvas.getBoundingClientRect();
        const dots = window.devicePixelRatio;
        const fits = Math.abs(canvas.width - box.width * dots) < 2 && Math.abs(canvas.height - box.height * dots) < 2;
        fits ? done([canvas.width, canvas.height]) : requestAnimationFrame(look);
      };
      requestAnimationFrame(() => requestAnimationFrame(look));
    })""")


def test_it_prints(tab, whole, tmp_path):
    tab.open(whole)
    tab.printed(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
    assert tab.complaints() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing(tab, whole, axe, scheme, width):
    tab.ask("Page.setBypassCSP", enabled=True)  # for the checker, which the page would not let in
    tab.prefer(prefers_color_scheme=scheme)
    tab.resize(width=width, height=900, mobile=width < 600)
    tab.open(whole)
    tab.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    tab.run(f"{axe}; undefined")
    told = json.loads(tab.run("axe.run().then((found) => JSON.stringify(found.violations))"))
    bad = [(it["id"], it["impact"], [node["html"][:200] for node in it["nodes"]]) for it in told]
    assert bad == []


HOSTILE = "</script><script>alert(1)</script>"


def test_hostile_names_are_words_in_it(tab, tmp_path):
    page = whole_page(40, title=HOSTILE)
    names = [HOSTILE, "<img src=x onerror=alert(2)>", "\u202ecod.exe", "\x1b[2J", *page.files.words["names"][4:]]
    files = type(page.files)(page.files.numbers, {**page.files.words, "names": names}, page.files.head)
    (tmp_path / "hostile.html").write_bytes(html_page(PageParts(HOSTILE, page.analysis, files, page.done)))
    tab.open(tmp_path / "hostile.html")
    assert tab.run("document.querySelector('h1').textContent") == HOSTILE
    assert tab.run("[document.scripts.length, document.images.length, document.querySelectorAll('iframe').length]") == [
        2, 0, 0,
    ]  # fmt: skip
    assert tab.complaints() == []


def test_the_page_cannot_reach_a_network(tab, whole):
    tab.open(whole)
    reached = tab.run("fetch('http://127.0.0.1:9/').then(() => 'reached', (error) => error.name)")
    assert reached == "TypeError"
    assert any("Content Security Policy" in words for words in tab.complaints())


def test_the_script_cannot_make_html_of_words(tab, whole):
    tab.open(whole)
    tried = "try { document.body.innerHTML = '<b>x</b>'; 'made'; } catch (error) { error.name; }"
    assert tab.run(tried) == "TypeError"
