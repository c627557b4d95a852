/** All words of the page, in English and in Chinese. `{name}` is a value, `{count|entry|entries}` chooses by a count. */

import { recall, remember } from "./memory.js";

export const STRINGS = {
  // Head
  search: ["Search", "搜索"],
  gallery: ["Gallery", "图库"],
  pages: ["Pages", "页面"],
  toContent: ["Skip to the content", "跳到正文"],
  addPictures: ["Add pictures", "添加图像"],
  otherLanguage: ["中文", "English"],

  // Choosing a picture
  choosePicture: ["Choose a picture", "选择图像"],
  chooseWords: [
    "Or drop it here, or paste it. Several pictures of one object are searched for as one track.",
    "也可以拖放或粘贴到这里。同一物体的多张图像会作为一条轨迹搜索。",
  ],
  noPicture: ["These files are no pictures: take PNG, JPEG, WebP or BMP.", "这些文件不是图像：请使用 PNG、JPEG、WebP 或 BMP。"],
  noModel: ["This gallery has vectors alone: search with its entries.", "该图库只有向量：请用其中的条目搜索。"],
  drawWords: ["Draw a box on the picture to search with what is in it.", "在图像上画一个框，用框内的内容搜索。"],
  drawBox: ["Draw a box", "画框"],
  boxByNumbers: ["Box in pixels", "以像素指定框"],
  sideLeft: ["left", "左"],
  sideTop: ["top", "上"],
  sideRight: ["right", "右"],
  sideBottom: ["bottom", "下"],
  noBox: ["A box has at least {side} pixels a side.", "框的每边至少 {side} 像素。"],
  searchInBox: ["Search in the box", "搜索框内内容"],
  inBox: ["What is in the box", "框内内容"],
  wholePicture: ["Search with the whole picture", "用整张图像搜索"],
  yourPicture: ["Your picture", "你的图像"],
  notShown: ["The browser cannot show this picture.", "浏览器无法显示该图像。"],
  asTrack: ["{count} pictures, searched for as one track", "{count} 张图像，作为一条轨迹搜索"],
  addToGallery: ["Add to the gallery", "添加到图库"],
  pictureGone: ["The picture is gone", "图像已不在"],
  pictureGoneWords: ["Chosen pictures are kept until the page is loaded again.", "选择的图像只保留到页面重新加载为止。"],
  toNewest: ["Choose another one", "重新选择"],

  // Answers
  query: ["Query", "查询"],
  matches: ["Matches", "匹配"],
  isKnown: ["Seen before: {who}", "见过：{who}"],
  isUnknown: ["Not known: no match reaches the threshold", "未知：没有匹配达到阈值"],
  sure: ["The best match is right with a probability of {percent}.", "最佳匹配正确的概率为 {percent}。"],
  matchCount: ["{count|match|matches}", "{count} 个匹配"],
  nothingFound: ["No entry passes the filters.", "没有条目符合筛选条件。"],
  noAnswer: ["No answer", "没有结果"],
  notCalibrated: [
    "The gallery is not calibrated, so it cannot say what is known: msinet gallery calibrate.",
    "图库尚未校准，无法判断是否已知：msinet gallery calibrate。",
  ],
  percentMeaning: [
    "Known: the similarity reaches the threshold. Percentage: probability that the match is right, if it is the best one.",
    "已知：相似度达到阈值。百分比：作为最佳匹配时正确的概率。",
  ],
  calibrationNamed: ["Calibration: {calibration}.", "校准：{calibration}。"],
  known: ["known", "已知"],
  notKnown: ["not known", "未知"],
  similarity: ["similarity", "相似度"],
  noThumbnail: ["Entry {id}, no picture kept", "条目 {id}，未保存图像"],

  // Entries
  entry: ["entry {id}", "条目 {id}"],
  entryTitle: ["Entry {id}", "条目 {id}"],
  cameraNamed: ["camera {camera}", "摄像头 {camera}"],
  cameraTitle: ["Camera {camera}", "摄像头 {camera}"],
  trackNamed: ["track {track}", "轨迹 {track}"],
  identityNamed: ["Identity {identity}", "身份 {identity}"],
  noIdentity: ["no identity", "无身份"],
  linked: ["linked", "自动关联"],
  newest: ["Newest entries", "最新条目"],
  more: ["Show more", "显示更多"],
  allEntries: ["All entries", "全部条目"],
  noEntries: ["There are no such entries.", "没有这样的条目。"],
  emptyGallery: ["The gallery is empty: add pictures.", "图库为空：请添加图像。"],

  // Selecting
  selection: ["Selected entries", "已选条目"],
  selectNamed: ["Select {name}", "选择 {name}"],
  selected: ["{count} selected", "已选 {count} 个"],
  searchAsTrack: ["Search as one track", "作为一条轨迹搜索"],
  searchWithIt: ["Search with it", "用它搜索"],
  compare: ["Compare", "比较"],
  clear: ["Clear", "清除"],
  selectTwo: ["Select two entries to compare them.", "请选择两个条目进行比较。"],

  // Marks
  right: ["Right", "正确"],
  sameObject: ["Same object", "同一物体"],
  otherObject: ["Different objects", "不同物体"],
  wrong: ["Wrong", "错误"],
  markedRight: ["Marked as right", "已标为正确"],
  markedWrong: ["Marked as wrong", "已标为错误"],
  markUndone: ["Mark taken back", "已撤销标记"],
  nothingToUndo: ["There is no mark to undo.", "没有可撤销的标记。"],
  keepPicture: ["Keep the picture?", "保存图像？"],
  keepPictureWords: [
    "A mark needs an entry. So the query is added to the gallery, and its picture is kept there.",
    "标记需要条目，因此查询图像将添加到图库并保存。",
  ],

  // Filters
  filters: ["Filters", "筛选"],
  filter: ["Filter", "筛选"],
  otherCameras: ["Other cameras only", "仅其他摄像头"],
  oneEach: ["One of each identity", "每个身份一个"],
  camera: ["Camera", "摄像头"],
  notCamera: ["Not camera", "排除摄像头"],
  notCameraNamed: ["not camera {camera}", "排除摄像头 {camera}"],
  since: ["From", "从"],
  before: ["Before", "早于"],
  sinceTime: ["from {time}", "从 {time}"],
  beforeTime: ["before {time}", "早于 {time}"],
  count: ["Matches", "匹配数"],
  field: ["Field", "字段"],
  value: ["Value", "值"],
  choose: ["choose", "请选择"],
  withoutFilter: ["Remove the filter: {filter}", "去掉筛选：{filter}"],

  // Sightings
  seenTitle: ["Where {identity} was seen", "{identity} 出现的位置"],
  sightings: ["{count|sighting|sightings}", "{count} 次出现"],
  timeless: ["Without a time:", "无时间："],
  cameraCount: ["camera {camera} ({count})", "摄像头 {camera}（{count}）"],
  timelineAlt: [
    "{count|sighting|sightings} by {cameras|camera|cameras}, from {first} to {last}",
    "{cameras} 个摄像头 {count} 次出现，从 {first} 到 {last}",
  ],

  // Comparing
  compareTitle: ["Two entries compared", "比较两个条目"],
  compareAlt: ["{one} beside {other}", "{one} 与 {other} 并排"],
  compareWords: [
    "Clear areas: where the network is active. Lines: regions that it finds alike, the strongest first.",
    "明亮区域：网络激活之处。连线：网络认为相似的区域，最强的在先。",
  ],
  activation: ["Activation", "激活"],
  regions: ["Matching regions", "匹配区域"],
  noRegions: ["Regions are not available: {reason}", "无法显示区域：{reason}"],
  noPictures: ["The gallery keeps no thumbnails.", "图库不保存缩略图。"],

  // Adding and removing
  addTitle: ["Add pictures to the gallery", "向图库添加图像"],
  pictures: ["Pictures", "图像"],
  identity: ["Identity", "身份"],
  time: ["Time", "时间"],
  track: ["Track", "轨迹"],
  addWords: ["All labels may stay empty. Times are of this computer's zone.", "所有标签都可以留空。时间按本机时区。"],
  add: ["Add", "添加"],
  added: ["{count|entry|entries} added", "已添加 {count} 个条目"],
  wasThere: ["The picture was in the gallery already.", "图像已在图库中。"],
  leftOut: ["Pictures that were left out", "未添加的图像"],
  nothingAdded: ["No picture could be added.", "没有图像可以添加。"],
  remove: ["Remove", "删除"],
  removeEntry: ["Remove the entry?", "删除条目？"],
  removeNamed: ["Remove {name}", "删除 {name}"],
  removeEntryWords: ["This cannot be undone: {name}.", "无法撤销：{name}。"],
  removeIdentity: ["Remove the identity", "删除身份"],
  removeIdentityTitle: ["Remove the identity?", "删除身份？"],
  removeIdentityLabel: ["Identity to remove", "要删除的身份"],
  removeIdentityWords: ["All entries of {identity} are removed. This cannot be undone.", "{identity} 的全部条目将被删除，无法撤销。"],
  removed: ["{count|entry|entries} removed", "已删除 {count} 个条目"],

  // The gallery
  entriesTile: ["entries", "条目"],
  identitiesTile: ["identities", "身份"],
  camerasTile: ["cameras", "摄像头"],
  earliest: ["earliest", "最早"],
  latest: ["latest", "最晚"],
  cameras: ["Cameras", "摄像头"],
  noCameras: ["No entry names a camera.", "没有条目注明摄像头。"],
  growth: ["Entries by day", "每日条目"],
  growthAlt: ["Entries of {count|day|days}", "{count} 天的条目数"],
  noTimes: ["No entry has a time.", "没有条目注明时间。"],
  calibration: ["Calibration", "校准"],
  noCalibration: [
    "None yet: msinet gallery calibrate finds the similarity from which on a query counts as known.",
    "尚无：msinet gallery calibrate 会找出判为已知的相似度。",
  ],
  thresholdWords: [
    "A query counts as known from a similarity of {threshold}. This was set for {rate} false positives.",
    "相似度达到 {threshold} 时判为已知，按 {rate} 的误报率设定。",
  ],
  threshold: ["threshold", "阈值"],
  markWords: ["The dotted line is the threshold.", "虚线为阈值。"],
  found: ["known objects found (DIR)", "找到的已知物体（DIR）"],
  falsePositives: ["unknown objects taken for known ones (FPIR)", "误判为已知的未知物体（FPIR）"],
  falsePositivesShort: ["FPIR", "FPIR"],
  ratesAlt: ["Rates of detections and of false positives by threshold", "检出率和误报率随阈值的变化"],
  chance: ["probability that the best match is right", "最佳匹配正确的概率"],
  chanceAlt: ["Probability that the best match is right, by its similarity", "最佳匹配正确的概率随相似度的变化"],
  chanceWords: ["Where known and unknown objects are queried equally often.", "已知与未知物体被查询的频率相同时。"],
  sizes: ["False positives by size of the gallery", "误报率随图库大小的变化"],
  estimated: ["estimated", "估计"],
  measured: ["measured", "实测"],
  thisGallery: ["this gallery", "本图库"],
  model: ["Model", "模型"],
  modelName: ["name", "名称"],
  vectorsAlone: ["none: vectors alone", "无：仅向量"],
  weights: ["weights", "权重"],
  dim: ["length of a vector", "向量长度"],
  thumbnails: ["thumbnails", "缩略图"],
  kept: ["kept", "保存"],
  notKept: ["not kept", "不保存"],
  labels: ["Labels", "标注"],
  labelsWords: [
    "A table that msinet adapt, train and calibrate read. Entries marked as right share an identity in it.",
    "供 msinet adapt、train 和 calibrate 读取的表。被标为正确的条目在表中有同一身份。",
  ],
  picturesGo: ["Entries without a file come with their pictures.", "没有文件的条目附带其图片。"],
  filesAlone: ["Entries without a file are not in it.", "没有文件的条目不在其中。"],
  contradictions: [
    "The labels are saved. Marks that contradict each other are not in them, of {count|group|groups} of entries.",
    "标注已保存。互相矛盾的标记未写入：{count} 组。",
  ],
  download: ["Download the labels", "下载标注"],

  // Dialogs, keys and errors
  cancel: ["Cancel", "取消"],
  close: ["Close", "关闭"],
  token: ["Token", "令牌"],
  tokenTitle: ["Token of the service", "服务令牌"],
  tokenWords: ["The service asks for a token. It is kept until this tab is closed.", "服务需要令牌。它只保留到关闭此标签页。"],
  tokenWrong: ["The service does not take this token: enter another one.", "服务不接受该令牌：请输入另一个。"],
  useToken: ["Use the token", "使用令牌"],
  keys: ["Keys", "按键"],
  keyMove: ["next and previous card", "下一个、上一个卡片"],
  keySearch: ["search with the card", "用该卡片搜索"],
  keySelect: ["select the card", "选择卡片"],
  keyCompare: ["compare two selected ones, or the query and the card", "比较已选的两个，或查询与该卡片"],
  keyMark: ["mark as right or wrong", "标为正确或错误"],
  keyUndo: ["undo the last mark", "撤销上一个标记"],
  keyChoose: ["go to the picture chooser", "转到选择图像"],
  keyKeys: ["show the keys", "显示按键"],
  keysUsed: ["Use these keys", "使用这些按键"],
  unreachable: ["The service cannot be reached: is it running?", "无法连接服务：它在运行吗？"],
  status: ["The service answered with status {status}.", "服务返回状态 {status}。"],
};

const LANGUAGES = { en: "en", zh: "zh-CN" };

let column = 0;

/** Return the language, "en" or "zh". */
export function language() {
  return column ? "zh" : "en";
}

/** Return the browser's variety of the language, such as en-GB, for numbers and times. */
export function locale() {
  return navigator.languages.find((each) => each.startsWith(language())) ?? LANGUAGES[language()];
}

/** Use a language from now on; elements that are there keep their words. */
export function setLanguage(chosen, forLong = true) {
  column = chosen === "zh" ? 1 : 0;
  document.documentElement.lang = LANGUAGES[language()];
  if (forLong) remember("language", language(), true);
}

/** Return words by their key, with values in their places. */
export function t(key, values = {}) {
  return STRINGS[key][column].replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (_, name, one, many) => {
    const value = values[name];
    if (one === undefined) return String(value);
    return `${value} ${value === 1 ? one : many}`;
  });
}

setLanguage(recall("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en"), false);
