# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""What the API's document (OpenAPI 3.1) says of the protocol, made from what the code checks with.

Plain Python without the ORM.
"""
