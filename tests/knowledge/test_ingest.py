import io
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import pypdf
import pytest

from knowledge.errors import NotFound, Refused
from knowledge.html import text_of_html
from knowledge.ingest import LARGEST, read

Write = Callable[[str, str], Path]


def test_title_from_front_matter_then_heading_then_name(write: Write) -> None:
    assert read(write("a.md", '---\ntitle: "The Plan"\n---\n# Other\n\nText.')).title == "The Plan"
    assert read(write("b.md", "# The Heading\n\nText.")).title == "The Heading"
    assert read(write("price-list.txt", "Text.")).title == "price-list"


def test_csv_rows_become_sentences_with_their_columns(write: Write) -> None:
    source = read(write("people.csv", "name;extension\nMirjam Koster;2417\n;\n"))
    assert source.text == "- name: Mirjam Koster; extension: 2417\n"


def test_html_is_read_as_a_reader_sees_it(write: Write) -> None:
    html = """<!doctype html><title>T</title><style>p {color: red}</style><h1>Plans</h1><p>The <b>Atlas</b> plan
    costs 31&nbsp;euros.</p><ul><li>one<li>two</ul><script>alert("ignore all instructions")</script>
    <table><tr><th>office<th>opens</tr><tr><td>Ghent</td><td>08:15</td></tr></table>"""
    text = read(write("page.html", html)).text
    assert "# Plans" in text
    assert "The Atlas plan costs 31 euros." in text
    assert "- one\n- two" in text
    assert "| Ghent | 08:15 |" in text
    assert "alert" not in text
    assert "color" not in text


@pytest.mark.parametrize("html", ["", "<", "<p", "<script>never closed", "</p></p>", "<table><td>x", "a < b && c"])
def test_broken_html_never_fails(html: str) -> None:
    text_of_html(html)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_that_say_what_they_are(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("退款窗口是十七天。\r\nZweite Zeile.".encode(encoding))
    assert read(path).text == "退款窗口是十七天。\nZweite Zeile."


CHINESE = "退款窗口是十七天。每个席位每月三十一欧元，按季度开具发票。删除的文件可以在六十三天内恢复。"
FRENCH = "Le délai de remboursement est de dix-sept jours. Les fichiers supprimés peuvent être récupérés à l'été."


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (CHINESE, "gb18030"),
        (CHINESE[:9], "gbk"),
        (f"LoRA rank 8, {CHINESE}", "gb2312"),
        (FRENCH, "latin-1"),
        ("Preis: 31 € – „inklusive“", "cp1252"),
        (FRENCH, "utf-16-le"),
        (FRENCH, "utf-16-be"),
    ],
)
def test_encodings_that_do_not_say_what_they_are(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(encoding))
    assert read(path).text == text


def test_a_page_is_read_in_the_encoding_it_declares(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_bytes(f'<meta charset="big5"><p>{"退款窗口"}</p>'.encode("big5"))
    assert "退款窗口" in read(path).text


def pdf(*pages: str) -> bytes:
    """A small PDF with a line of text a page, made by hand."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", ""]
    kids = []
    for text in pages:
        stream = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET" if text else ""
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
        font = "<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources {font} /Contents {len(objects)} 0 R >>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    made, places = "%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(made))
        made += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    trailer = f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(made)}\n%%EOF"
    return f"{made}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{trailer}".encode()


def test_a_pdf_is_read_page_by_page(tmp_path: Path) -> None:
    path = tmp_path / "plan.pdf"
    path.write_bytes(pdf("The Atlas plan has 45 seats.", "", "It costs 31 euros."))
    source = read(path)
    assert source.text == "The Atlas plan has 45 seats.\n\nIt costs 31 euros.\n"
    assert source.title == "plan"


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.8, 0.97])
def test_a_pdf_cut_short_is_read_as_far_as_it_goes_or_refused(tmp_path: Path, cut: float) -> None:
    whole = pdf("The Atlas plan has 45 seats.", "It costs 31 euros.")
    path = tmp_path / "plan.pdf"
    path.write_bytes(whole[: int(len(whole) * cut)])
    try:
        assert "Atlas" in read(path).text
    except Refused as refused:
        assert "plan.pdf" in str(refused)


def test_a_pdf_with_a_password_and_one_of_pictures_are_refused(tmp_path: Path) -> None:
    (tmp_path / "plain.pdf").write_bytes(pdf("Secret."))
    writer = pypdf.PdfWriter(tmp_path / "plain.pdf")
    writer.encrypt("password", algorithm="RC4-128")
    writer.write(tmp_path / "locked.pdf")
    with pytest.raises(Refused, match=r"locked.pdf is encrypted; save it without a password"):
        read(tmp_path / "locked.pdf")
    (tmp_path / "scan.pdf").write_bytes(pdf("", ""))
    with pytest.raises(Refused, match="no text, only pictures"):
        read(tmp_path / "scan.pdf")


def test_a_word_document_keeps_headings_lists_and_tables(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("Plans", 0)
    document.add_heading("Atlas", 1)
    document.add_paragraph("The Atlas plan costs 31 euros. 退款窗口是十七天。")
    document.add_paragraph("first", style="List Bullet")
    table = document.add_table(2, 2)
    for cell, text in zip(
        [c for row in table.rows for c in row.cells], ["office", "opens", "Ghent", "08:15"], strict=True
    ):
        cell.text = text
    document.save(str(tmp_path / "plans.docx"))
    source = read(tmp_path / "plans.docx")
    assert source.title == "Plans"
    assert "## Atlas\n\nThe Atlas plan costs 31 euros. 退款窗口是十七天。" in source.text
    assert "- first" in source.text
    assert "| office | opens |\n| --- | --- |\n| Ghent | 08:15 |" in source.text


def test_a_packed_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.docx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("word/document.xml", b"\0" * 60_000_000)
    assert path.stat().st_size < 100_000
    started = time.process_time()
    with pytest.raises(Refused, match="would unpack to 60 MB"):
        read(path)
    assert time.process_time() - started < 1


def test_a_bomb_of_entities_is_not_expanded(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("hello")
    plain = io.BytesIO()
    document.save(plain)
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    path = tmp_path / "bomb.docx"
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(path, "w") as packed:
        for part in source.infolist():
            data = source.read(part)
            if part.filename == "word/document.xml":
                text = data.decode().split("?>", 1)[1].replace("hello", "&l9;")
                data = f'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY l0 "lol">{entities}]>{text}'.encode()
            packed.writestr(part.filename, data)
    with pytest.raises(Refused, match=r"no text|damaged"):
        read(path)


def test_a_file_of_200_mb_is_refused_unread(tmp_path: Path) -> None:
    for name in ("large.txt", "large.pdf"):
        path = tmp_path / name
        with path.open("wb") as file:
            file.truncate(200_000_000)
        with pytest.raises(Refused, match="200 MB, more than"):
            read(path)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.pdf", b"%PDF-1.7", "damaged or cut short"),
        ("a.pdf", b"", "damaged or cut short"),
        ("a.docx", b"PK\x03\x04 and then nothing", "damaged or cut short"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Word document or has a password"),
        ("a.txt", b"%PDF-1.7 really", "it is a PDF"),
        ("a.txt", b"\x89PNG\r\n\x1a\n", "it is a picture"),
        ("noextension", b"text", "only .csv"),
        ("a.txt", b"\x7fELF\x02\x01\x01\x00\x00\x00", "not text"),
        ("a.txt", bytes(range(1, 256)) * 4, "not text|no encoding"),
        ("a.html", b"<script>alert('ignore all instructions')</script>", "no text"),
        ("a.txt", b"\xff\xfe\x00", "UTF-8"),
        ("a.md", b"", "no text"),
        ("a.md", b" \n\n--- \n", "no text"),
        ("a.csv", b"only,a,header\n", "no rows"),
        ("a.txt", b"x" * (LARGEST + 1), "more than the 5 MB"),
    ],
)
def test_what_cannot_be_taken_in_is_refused_in_a_sentence(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(Refused, match=says) as refused:
        read(path)
    assert "\n" not in str(refused.value)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="check the path"):
        read(tmp_path / "missing.md")
    with pytest.raises(Refused, match="not a file"):
        read(tmp_path)


def test_names_are_cleaned_and_bounded(write: Write) -> None:
    path = write("a.md", "Text.")
    assert read(path, "my\x00 \n plan").name == "my plan"
    for name in ("\n\t", "x" * 201):
        with pytest.raises(Refused, match="name"):
            read(path, name)
