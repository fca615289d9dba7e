# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What comes back from a provider many times at once, to several workers, is good once."""

from mapper_client import together
from people import DEMONSTRATION, HOME, START, Browser

TIMES = 8


def test_one_return_many_times_at_once(server):
    server.await_evented()
    browser = Browser(server.url)
    back = browser.sign_in("2026000000", follow=False).headers["Location"]
    browsers = [Browser(server.url) for _each in range(TIMES)]
    for other in browsers:
        other.session.cookies.update(browser.session.cookies)
    before = sessions(server)
    pages = together(
        [lambda other=other: other.get(back, allow_redirects=False) for other in browsers]
    )
    statuses = sorted(page.status for page in pages)
    assert statuses == [303] + [400] * (TIMES - 1)
    assert sessions(server) == before + 1
    [winner] = [other for other in browsers if other.get(HOME).url.endswith(HOME)]
    # whoever has only the cookie from before is nobody
    assert browser.get(HOME).url.partition("?")[0].endswith(START)
    assert winner.get(START).form(DEMONSTRATION)


def sessions(server):
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM g2p_spar_beneficiary_session")
        return cursor.fetchone()[0]
