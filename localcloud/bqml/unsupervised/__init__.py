"""Kinds that learn from columns without a label."""
