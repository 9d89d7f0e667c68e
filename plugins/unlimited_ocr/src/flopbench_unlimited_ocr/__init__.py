"""Unlimited-OCR for flopbench."""
