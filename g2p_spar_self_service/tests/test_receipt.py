# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
from odoo.tests import BaseCase

from ..receipt import ALPHABET, new_number, read_number


class TestReceipt(BaseCase):
    def test_form(self):
        number = new_number()
        self.assertRegex(number, r"^[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}$")
        self.assertNotEqual(number, new_number())

    def test_reads_what_people_write(self):
        for _ in range(50):
            number = new_number()
            for text in (
                number,
                number.lower(),
                f" {number.replace('-', '')} ",
                number.replace("-", " "),
                number.replace("1", "l").replace("0", "o"),
                number.replace("1", "I").replace("0", "O"),
            ):
                self.assertEqual(read_number(text), number, text)

    def test_one_wrong_character_is_noticed(self):
        for _ in range(20):
            number = new_number()
            for place, right in enumerate(number):
                for wrong in set(ALPHABET) - {right} if right != "-" else ():
                    typed = number[:place] + wrong + number[place + 1 :]
                    self.assertIsNone(read_number(typed), (number, typed))

    def test_no_number(self):
        for text in (
            "",
            "7KQ4M",
            "7KQ4M-2XPR",
            "7KQ4M-2XPRTT",
            "7KQ4M-2XPR!",
            "UUUUU-UUUUU",
            "٣" * 10,
        ):
            self.assertIsNone(read_number(text), text)
