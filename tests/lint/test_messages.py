"""Every code the sources can say is explained in docs/messages.md, and nothing else is; and names of 64 bits look alike."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| ([EW]\d{3}) \|(.*)\|$", re.M)


def said():
    codes = set()
    for folder in ("rules", "gateway", "sensors"):
        for path in (ROOT / folder).rglob("*.[ch]"):
            codes |= set(re.findall(r'"([EW][1-8]\d\d)"', path.read_text(encoding="utf-8")))
    return codes


def rows():
    return ROW.findall((ROOT / "docs/messages.md").read_text(encoding="utf-8"))


def test_every_code_of_the_sources_is_explained():
    assert len(said()) > 40
    assert sorted(said() - {code for code, _ in rows()}) == []


def test_no_code_is_explained_that_nothing_says():
    assert sorted({code for code, _ in rows()} - said()) == []


def test_each_code_has_one_row_with_an_example_and_what_to_do():
    codes = [code for code, _ in rows()]
    assert len(codes) == len(set(codes))
    for code, rest in rows():
        cells = [cell.strip() for cell in rest.split(" | ")]
        assert len(cells) == 3 and all(cells), code


def test_epochs_and_bundles_have_their_sixteen_digits_in_the_log():
    """As in documents and answers, so that one finds the other."""
    formats = [m for path in (ROOT / "gateway").rglob("*.c")
               for m in re.findall(r"(?:epoch|instance|bundle)=(%\w+)", path.read_text(encoding="utf-8"))]
    assert len(formats) > 3 and set(formats) == {"%016llx"}


# What wy_buf_vaddf() knows (gateway/base/buf.h); of another one it takes no argument, and all that follow are taken for others.
CONVERSION = re.compile(r"%(?:%|\.\*s|[scdugx]|l[dux]|ll[dux]|zu|016llx)")


def test_the_log_and_texts_are_written_with_conversions_that_are_known():
    calls = re.compile(r"\b(?:log_line|wy_buf_addf|wy_diag_\w+)\((.*?)\);\n", re.S)
    seen, wrong = 0, []
    for folder in ("rules", "gateway", "sensors"):
        for path in sorted((ROOT / folder).rglob("*.c")):
            for call in calls.findall(path.read_text(encoding="utf-8")):
                text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', call))
                seen += len(CONVERSION.findall(text))
                wrong += [f"{path.name}: {text}"] if "%" in CONVERSION.sub("", text) else []
    assert seen > 300 and wrong == []
