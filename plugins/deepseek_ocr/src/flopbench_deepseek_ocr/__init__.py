"""DeepSeek-OCR for flopbench."""
