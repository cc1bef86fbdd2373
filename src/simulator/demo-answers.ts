/**
 * A deterministic answer to a message, in Markdown: it quotes the question, is Indonesian when the question looks so, holds a sample when the
 * message asks for code, a table, a list or a long answer, and says at the end that it is simulated. Only the first 2,000 characters are read.
 */
export function demoAnswer(question: string): string {
  const start = question.slice(0, readCharacters);
  const words = new Set(start.toLowerCase().match(/\p{L}+/gu) ?? []);
  const texts = isIndonesian(words) ? indonesian : english;
  const samples = sampleKinds.filter(({ triggers }) => triggers.some((trigger) => words.has(trigger)));
  return [
    texts.opening(quote(start)),
    ...(samples.length === 0 ? [texts.plain] : samples.map(({ name }) => texts[name])),
    texts.closing,
  ].join('\n\n');
}

const readCharacters = 2000;
const quotedCharacters = 80;

function quote(question: string): string {
  const line = question.replace(/[\s`*_~|<>[\]]+/g, ' ').trim();
  const characters = Array.from(line);
  return characters.length <= quotedCharacters ? line : `${characters.slice(0, quotedCharacters).join('')}…`;
}

type SampleName = 'code' | 'table' | 'list' | 'long';

const sampleKinds: readonly { name: SampleName; triggers: readonly string[] }[] = [
  { name: 'code', triggers: ['code', 'kode', 'function', 'fungsi', 'script', 'program'] },
  { name: 'table', triggers: ['table', 'tabel', 'compare', 'bandingkan'] },
  { name: 'list', triggers: ['list', 'daftar', 'steps', 'langkah'] },
  { name: 'long', triggers: ['long', 'panjang', 'essay', 'esai', 'detail', 'detailed'] },
];

const indonesianWords = [
  'apa',
  'apakah',
  'aku',
  'anda',
  'bagaimana',
  'bisa',
  'buat',
  'buatkan',
  'dan',
  'dengan',
  'halo',
  'ini',
  'itu',
  'jelaskan',
  'kamu',
  'kenapa',
  'mengapa',
  'saya',
  'terima',
  'tidak',
  'tolong',
  'untuk',
  'yang',
];

function isIndonesian(words: ReadonlySet<string>): boolean {
  return indonesianWords.some((word) => words.has(word));
}

interface Texts extends Readonly<Record<SampleName, string>> {
  opening: (question: string) => string;
  plain: string;
  closing: string;
}

const codeSample = [
  '```ts',
  'export function greet(name: string): string {',
  '  return `Hello, ${name}!`;',
  '}',
  '',
  'greet(\'world\'); // "Hello, world!"',
  '```',
].join('\n');

const englishParagraphs = [
  'Begin with what is known. Write the goal in one sentence, and name the person who will read the result; most detours start where one of the two is missing.',
  'Then look for the smallest step that could prove the idea wrong. A cheap experiment today is worth more than a perfect plan next month, because it **changes what you know**.',
  'Keep notes while you work. A line a day is enough: what was tried, what came out, what surprised you. Later the surprises turn out to be the useful part.',
  'When two options look equal, take the one that is *easier to undo*. The choice matters less than the time spent on it, and a reversible step can be corrected once the facts arrive.',
  'At the end, compare the result with the sentence from the beginning. If they differ, either the work or the goal has moved, and it is worth knowing which.',
];

const indonesianParagraphs = [
  'Mulailah dari hal yang sudah diketahui. Tulis tujuannya dalam satu kalimat, lalu sebutkan siapa yang akan membaca hasilnya; kebanyakan jalan memutar berawal ketika salah satunya tidak ada.',
  'Setelah itu carilah langkah terkecil yang bisa membuktikan bahwa gagasannya keliru. Percobaan murah hari ini lebih berharga daripada rencana sempurna bulan depan, karena **mengubah apa yang kamu ketahui**.',
  'Buat catatan selama bekerja. Satu baris sehari sudah cukup: apa yang dicoba, apa hasilnya, apa yang mengejutkan. Belakangan justru kejutan itulah yang berguna.',
  'Bila dua pilihan tampak sama baik, ambillah yang *lebih mudah dibatalkan*. Pilihannya sendiri tidak sepenting waktu yang dihabiskan untuk memilih.',
  'Pada akhirnya, bandingkan hasil dengan kalimat di awal. Bila berbeda, entah pekerjaannya atau tujuannya telah bergeser, dan ada baiknya mengetahui yang mana.',
];

const english: Texts = {
  opening: (question) =>
    question === ''
      ? 'Hello! Ask me anything.'
      : `You asked: “${question}”. Here is how I would go about it.`,
  plain:
    '**In short:** start small, check the result, and go on from there.\n\n- Say what you already know.\n- Pick the next step that teaches you most.\n- Ask again with what you found; a follow-up question is welcome.',
  code: `A small example in TypeScript:\n\n${codeSample}\n\nThe function takes a name and returns a greeting.`,
  table:
    'A short comparison:\n\n| option | good for | price |\n|---|---|---:|\n| small model | quick answers | free |\n| large model | hard questions | higher |\n| reasoning model | planning | depends |',
  list: 'The steps, in order:\n\n1. **Prepare**: gather what you need.\n2. **Try**: do the smallest useful part.\n   - note what happened\n   - keep what worked\n3. **Review**: compare with the goal, then repeat.',
  long: longText(['Where to begin', 'Going deeper', 'Putting it to work'], englishParagraphs),
  closing: '_This is a simulated answer: no language model was asked._',
};

const indonesian: Texts = {
  opening: (question) =>
    question === '' ? 'Halo! Silakan bertanya apa saja.' : `Pertanyaanmu: “${question}”. Begini saran saya.`,
  plain:
    '**Singkatnya:** mulai dari yang kecil, periksa hasilnya, lalu lanjutkan.\n\n- Sebutkan apa yang sudah kamu ketahui.\n- Pilih langkah berikutnya yang paling banyak mengajarkan sesuatu.\n- Tanyakan lagi dengan hasilnya; pertanyaan lanjutan selalu boleh.',
  code: `Contoh kecil dalam TypeScript:\n\n${codeSample}\n\nFungsi itu menerima nama dan mengembalikan salam.`,
  table:
    'Perbandingan singkat:\n\n| pilihan | cocok untuk | harga |\n|---|---|---:|\n| model kecil | jawaban cepat | gratis |\n| model besar | pertanyaan sulit | lebih tinggi |\n| model penalaran | perencanaan | tergantung |',
  list: 'Langkah-langkahnya:\n\n1. **Siapkan**: kumpulkan yang diperlukan.\n2. **Coba**: kerjakan bagian terkecil yang berguna.\n   - catat apa yang terjadi\n   - simpan yang berhasil\n3. **Tinjau**: bandingkan dengan tujuan, lalu ulangi.',
  long: longText(['Dari mana memulai', 'Lebih dalam', 'Menerapkannya'], indonesianParagraphs),
  closing: '_Ini jawaban simulasi: tidak ada model bahasa yang ditanya._',
};

/** Well beyond 4,096 characters, so that it takes several messages on either platform. */
function longText(headings: readonly string[], paragraphs: readonly string[]): string {
  const sections = headings.map((heading, index) => {
    const turned = [...paragraphs.slice(index), ...paragraphs.slice(0, index)];
    return `## ${index + 1}. ${heading}\n\n${[...turned, ...turned].join('\n\n')}`;
  });
  return sections.join('\n\n');
}
